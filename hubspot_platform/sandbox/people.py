"""The people who work in the portal: users, their teams and roles, as user provisioning shows them.

Owners are separate records (`model.Owner`) that point at a user; which teams an owner is in follows from the teams
kept here. Filled by `seed.people`, read by `handlers.provisioning` and `handlers.reference`.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class User:
    """Somebody who can sign in; a super admin has no role."""

    id: int
    email: str
    first_name: str
    last_name: str
    role_id: str | None = None
    super_admin: bool = False


@dataclass(frozen=True)
class Team:
    """A team: the users whose main team it is, and those who are in it besides another."""

    id: str
    name: str
    user_ids: tuple[int, ...] = ()
    secondary_user_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Role:
    """A named set of permissions."""

    id: str
    name: str
    requires_billing_write: bool = False


@dataclass
class People:
    """Users, teams and roles by id."""

    users: dict[int, User] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)

    def teams_of(self, user_id: int) -> list[tuple[Team, bool]]:
        """Return the teams of a user, each with whether it is the main one; nothing for a removed user."""
        if user_id not in self.users:
            return []
        main = [(t, True) for t in self.teams.values() if user_id in t.user_ids]
        return main + [(t, False) for t in self.teams.values() if user_id in t.secondary_user_ids]
