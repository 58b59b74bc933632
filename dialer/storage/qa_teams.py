"""Teams: who is in which one, and was when. A report speaks of the team somebody was in when the call was made."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from dialer.model.quality_work import TeamMember
from dialer.storage import tables
from dialer.storage.database import Database
from dialer.storage.dialect import QUALITY_LOCK, insert_row, lock

members = tables.team_members


class QaTeams:
    """The `qa_teams` part of the storage."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def move(self, account_id: int, team: str, actor: str, now: datetime) -> bool:
        """Puts somebody into a team from now on, "" into none; False: they are there already."""

        def work(connection: Connection) -> bool:
            lock(connection, QUALITY_LOCK, str(account_id).encode())
            mine = members.c.account_id == account_id, members.c.until.is_(None)
            if (connection.execute(select(members.c.team).where(*mine)).scalar() or "") == team:
                return False
            connection.execute(update(members).where(*mine).values(until=now))
            if team:
                row = {"account_id": account_id, "team": team, "since": now, "changed_by": actor}
                insert_row(connection, members, row)
            return True

        return await self._database.write(work)

    async def all(self) -> tuple[TeamMember, ...]:
        """Who is in which team now, by team."""
        query = select(members).where(members.c.until.is_(None)).order_by(members.c.team, members.c.account_id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(TeamMember(row.account_id, row.team, row.since) for row in rows)
