"""What it costs to send a parcel, in cents."""


def postage(grams):
    """4.90 up to 2 kg, 6.90 up to 5 kg, 9.90 up to 10 kg."""
    if grams <= 2000:
        return 490
    return 690


def label(name, street, town):
    """The address on the parcel, one line each."""
    return f"{name}\n{street} {town}"
