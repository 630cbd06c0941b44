"""How long something took or takes, for people."""


def duration(seconds: float | None) -> str:
    """Write seconds as hours, minutes and seconds; a dash where they are not known."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{seconds:.1f} s"
