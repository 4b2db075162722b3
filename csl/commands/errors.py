"""What a user reads when something on the line, in a file or in the data is wrong."""

import errno
import os
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import csl

PACKAGE = Path(csl.__file__).parent
DEBUG = "CSL_TRACEBACK"
REPORTED = (ValueError, TypeError, ArithmeticError, OSError, ImportError, RuntimeError)
# torch compares a checkpoint with the model; the second is said of worker processes that the system ended, mostly for
# want of memory; the third by batch norm of a single image.
FOREIGN_CHECKS = (
    "Error(s) in loading state_dict",
    "DataLoader worker (pid",
    "Expected more than 1 value per channel when training",
)
# Where Lightning checks the options of its Trainer.
FOREIGN_CHECKERS = (
    "accelerator_connector.py",
    "lightning/fabric/utilities/device_parser.py",
    "accelerators/cpu.py",
    "environments/torchelastic.py",
    "callbacks/early_stopping.py",
)
# What a disk or a folder refuses is nobody's bug, whoever meets it first.
OF_THE_DISK = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EIO,
    errno.ENOTDIR,
    errno.EMFILE,
    errno.ENFILE,
)
# torch raises a worker's error again with that worker's traceback as its message.
IN_A_WORKER = re.compile(r"Caught (\w+) in DataLoader worker process.*^\1: (.*)", re.DOTALL | re.MULTILINE)


class CommandError(ValueError):
    """A line that cannot be carried out."""


@contextmanager
def reported(command: str, line: Sequence[str] = ()) -> Iterator[None]:
    """End the program with one clear message where csl itself refused something; others' errors keep their traceback.

    `CSL_TRACEBACK=1` in the environment shows the traceback of ours, too.

    Args:
        command: The command's name, which the message begins with.
        line: The command's options, so that the message can say where a refused value was written.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read our output, such as head, is gone
    except Exception as raised:
        if os.environ.get(DEBUG):
            raise
        from csl.commands.faults import Fault

        error = Fault.of(raised).cause  # without the wrapping of whoever builds objects from a configuration
        if not _is_ours(error):
            raise error from error.__cause__
        from csl.commands.refusals import explain_refusal

        message = explain_refusal(_message(error), line, builds=_class_being_built(error))
        end(command, f"{message}\n({DEBUG}=1 shows where it was raised)", 1)


def end(command: str, message: str, status: int) -> NoReturn:
    """End the program with one message: status 2 for a line that makes no sense, 1 for work that was refused."""
    print(f"csl {command}: error: {message}", file=sys.stderr)
    sys.exit(status)


def _is_ours(error: BaseException) -> bool:
    """Whether the error was raised on purpose: by a line of csl, or by another's check of what the user chose."""
    if type(error).__name__ == "MisconfigurationException" or str(error).startswith(FOREIGN_CHECKS):
        return True
    if not isinstance(error, REPORTED):
        return False
    if isinstance(error, OSError) and error.errno in OF_THE_DISK:
        return True
    if IN_A_WORKER.search(str(error)):
        return PACKAGE in Path(re.findall(r'File "(.+?)", line', str(error))[-1]).parents
    frames = traceback.extract_tb(error.__traceback__)
    place = frames[-1].filename if frames else ""
    return PACKAGE in Path(place).parents or place.endswith(FOREIGN_CHECKERS)


def _class_being_built(error: BaseException) -> str:
    """The class of a configuration whose constructor refused something; empty where none was being built."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    after = [at for at, frame in enumerate(frames) if "jsonargparse" in frame.f_code.co_filename]
    own = [frame for frame in frames[after[-1] :] if frame.f_code.co_name == "__init__"] if after else []
    return type(own[0].f_locals["self"]).__name__ if own and "self" in own[0].f_locals else ""


def _message(error: BaseException) -> str:
    """What the error says; a system's in words, without its number."""
    if found := IN_A_WORKER.search(str(error)):
        return found[2]
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
