"""A small Pub/Sub over real gRPC, for tests of the transport with Google's own client where no emulator runs."""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import empty_pb2
from google.pubsub_v1 import types


class _PubSub(grpc.GenericRpcHandler):
    """Topics, and subscriptions that keep a message until it is acknowledged."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._topics: set[str] = set()
        self._subscriptions: dict[str, tuple[str, dict[str, Any]]] = {}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        name = handler_call_details.method.rsplit("/", 1)[1]
        calls: dict[str, tuple[Any, Callable[[Any, grpc.ServicerContext], Any]]] = {
            "CreateTopic": (types.Topic, self._create_topic),
            "CreateSubscription": (types.Subscription, self._create_subscription),
            "Publish": (types.PublishRequest, self._publish),
            "Pull": (types.PullRequest, self._pull),
            "Acknowledge": (types.AcknowledgeRequest, self._acknowledge),
        }
        if name not in calls:
            return None
        request, call = calls[name]
        return grpc.unary_unary_rpc_method_handler(
            call,
            request_deserializer=request.pb().FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )

    def _create_topic(self, request: Any, context: grpc.ServicerContext) -> Any:
        if request.name in self._topics:
            context.abort(grpc.StatusCode.ALREADY_EXISTS, "the topic is there")
        self._topics.add(request.name)
        return request

    def _create_subscription(self, request: Any, context: grpc.ServicerContext) -> Any:
        if request.name in self._subscriptions:
            context.abort(grpc.StatusCode.ALREADY_EXISTS, "the subscription is there")
        if request.topic not in self._topics:
            context.abort(grpc.StatusCode.NOT_FOUND, "there is no such topic")
        self._subscriptions[request.name] = (request.topic, {})
        return request

    def _publish(self, request: Any, context: grpc.ServicerContext) -> Any:
        if request.topic not in self._topics:
            context.abort(grpc.StatusCode.NOT_FOUND, "there is no such topic")
        ids = [str(next(self._numbers)) for _ in request.messages]
        for topic, waiting in self._subscriptions.values():
            if topic == request.topic:
                waiting.update(zip(ids, request.messages, strict=True))
        return types.PublishResponse.pb(types.PublishResponse(message_ids=ids))

    def _pull(self, request: Any, context: grpc.ServicerContext) -> Any:
        waiting = self._subscriptions[request.subscription][1]
        answer = types.PullResponse.pb(types.PullResponse())
        for number, message in list(waiting.items())[: request.max_messages]:
            received = answer.received_messages.add(ack_id=number)
            received.message.CopyFrom(message)
        return answer

    def _acknowledge(self, request: Any, context: grpc.ServicerContext) -> Any:
        for number in request.ack_ids:
            self._subscriptions[request.subscription][1].pop(number, None)
        return empty_pb2.Empty()


@contextmanager
def pubsub_server() -> Iterator[str]:
    """Run the server and yield what PUBSUB_EMULATOR_HOST is set to."""
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((_PubSub(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None)
