"""A list endpoint whose cursors are not what HubSpot's are in practice, which HubSpot never promised.

The sandbox speaks as HubSpot does today; here a test chooses another kind of cursor and watches the calls.
"""

from bisect import bisect_left
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

PATH = "/crm/v3/objects/contacts"


@dataclass
class ListServer:
    """Serves `ids`; `kind` is how its cursors work: inclusive, exclusive, offset or shuffled (opaque, no order)."""

    ids: list[int]
    kind: str = "inclusive"
    page_calls: int = 0
    searches: int = 0
    search_works: bool = True
    longest_url: int | None = None
    hang_early: Callable[[int], bool] = lambda _: False
    url: str = ""
    listed: list[int] = field(default_factory=list)

    async def list(self, request: web.Request) -> web.Response:
        self.page_calls += 1
        if self.longest_url is not None and len(str(request.rel_url)) > self.longest_url:
            return web.Response(status=414, text="URI Too Long", content_type="text/html")
        after, limit = request.query.get("after", ""), int(request.query["limit"])
        order = sorted(self.ids, key=lambda i: i * 7919 % 104_729) if self.kind == "shuffled" else self.ids
        if self.kind in ("offset", "shuffled"):
            start = int(after.removeprefix("p")) if after else 0
        else:
            start = bisect_left(order, int(after or 0) + (self.kind == "exclusive"))
        page, rest = order[start : start + limit], order[start + limit :]
        following = {
            "inclusive": str(rest[0]) if rest else "",
            "exclusive": str(page[-1]) if page else "",
            "offset": f"p{start + limit}",
            "shuffled": str(start + limit),
        }[self.kind]
        if self.hang_early(int(after or 0) if self.kind != "offset" else 0):
            page, rest = [], []
        body: dict[str, object] = {"results": [record(i) for i in page]}
        if rest:
            body["paging"] = {"next": {"after": following}}
        self.listed += page
        return web.json_response(body)

    async def search(self, request: web.Request) -> web.Response:
        self.searches += 1
        if not self.search_works:
            return web.json_response({"category": "VALIDATION_ERROR", "message": "no search"}, status=400)
        body = await request.json()
        found = list(self.ids)
        for condition in (body.get("filterGroups") or [{"filters": []}])[0]["filters"]:
            value = int(condition["value"])
            keep = {"GTE": value.__le__, "LT": value.__gt__}[condition["operator"]]
            found = [i for i in found if keep(i)]
        if body["sorts"][0]["direction"] == "DESCENDING":
            found.reverse()
        start = int(body.get("after", 0))
        page = found[start : start + body["limit"]]
        return web.json_response({"total": len(found), "results": [record(i) for i in page]})

    async def batch(self, request: web.Request) -> web.Response:
        wanted = {int(item["id"]) for item in (await request.json())["inputs"]}
        return web.json_response({"results": [record(i, email=f"{i}@x.test") for i in wanted & set(self.ids)]})


def record(record_id: int, **properties: str) -> dict[str, object]:
    return {"id": str(record_id), "properties": {"hs_object_id": str(record_id), **properties}}


@asynccontextmanager
async def serve(server: ListServer) -> AsyncIterator[ListServer]:
    app = web.Application()
    app.add_routes(
        [
            web.get(PATH, server.list),
            web.post(f"{PATH}/search", server.search),
            web.post(f"{PATH}/batch/read", server.batch),
        ]
    )
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        await runner.cleanup()
