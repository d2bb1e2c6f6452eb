"""The central rows of companies for tests: the real models over tables that a test fills."""

from functools import cache

from hubspot_platform.business import load_business
from hubspot_platform.funnel.tables import COMPANY_PROFILE_CHANGE
from hubspot_platform.landing.contract import landed_table
from hubspot_platform.payments.profile import COMPANY_PROFILE_ARR_RANGE
from hubspot_platform.sql_models.build import build_model
from hubspot_platform.sql_models.model import Model
from hubspot_platform.sql_models.store import load_models, sql_folder
from hubspot_platform.warehouse import Session, Table

PRODUCT = landed_table("product.company")
STATUS = "payments.company_payments_status"
ORDER = ("funnel.hubspot_company_link", "funnel.company_profile_meta_data", "funnel.company_change_log")


@cache
def profile_models() -> dict[str, Model]:
    """Return the models by qualified name."""
    wanted = {*ORDER, STATUS}
    return {m.qualified: m for m in load_models(sql_folder(), load_business(None)) if m.qualified in wanted}


def status_table() -> Table:
    """Return the table of the companies' payments status."""
    return profile_models()[STATUS].table


def build_profile(session: Session) -> None:
    """Build the central rows and their log over the mirror's tables; what else they read is there then, maybe empty."""
    for table in (PRODUCT, COMPANY_PROFILE_ARR_RANGE, status_table(), COMPANY_PROFILE_CHANGE):
        session.ensure(table)
    for name in ORDER:
        build_model(session, profile_models()[name])
