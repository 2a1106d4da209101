"""What every pair for sequences says of records of another form.

Knows Spec; never tensors, columns, files or kinds of data.
"""

from __future__ import annotations

from gankit.errors import OptionError
from gankit.spec import Spec


def sequences_only(name: str, spec: Spec) -> None:
    """Refuses records that are no sequences for the network `name`.

    Raises:
        OptionError: they are of another form.
    """
    if spec.form != "sequence":
        raise OptionError(
            f"--network {name} makes sequences, and these records are of the form {spec.form}. "
            "Use --network residual, or leave --network out."
        )
