"""Sourcedids that are longer than the platform's column, of sites that keep them in a table of their own."""

from collections.abc import Collection

from django.db import connections

from openedx_passbackd.platform_names import find

#: The table, which some sites have added; ``graded_assignment_id`` refers to the platform's.
TABLE = "lti_provider_gradedassignment_extra"


def long_sourcedids(assignments: Collection[int]) -> dict[int, str]:
    """The whole sourcedids of those assignments that have one in the table; none on a site without it."""
    connection = connections[find("GradedAssignment").objects.db]
    with connection.cursor() as cursor:
        if not assignments or TABLE not in connection.introspection.table_names(cursor):
            return {}
        columns = "graded_assignment_id, lis_result_sourcedid_long"
        placeholders = ", ".join(["%s"] * len(assignments))
        query = f"SELECT {columns} FROM {TABLE} WHERE graded_assignment_id IN ({placeholders})"  # noqa: S608 - ours
        cursor.execute(query, list(assignments))
        return {assignment: sourcedid for assignment, sourcedid in cursor.fetchall() if sourcedid}
