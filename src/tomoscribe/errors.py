"""The one exception whose text is meant for the user's eyes."""


class TomoscribeError(Exception):
    """Something the user can mend: one sentence that says what is wrong, where, and what to do.

    Commands print it and exit with 1; docks show it where the user is looking.
    Anything else that is raised is a defect of ours and keeps its traceback.
    """
