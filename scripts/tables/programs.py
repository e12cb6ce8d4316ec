"""How each program reads a table, unless it is told otherwise: the cells of each column as Python values.

A reader gives {column: [value]}: None where the program has nothing, else a bool, an int, a float, a str, or whatever
else it has made of the text.
"""

import pathlib
import shutil
import subprocess
import tempfile

import duckdb
import openpyxl
import pandas
import polars


def python_value(value):
    """A value of NumPy as Python's own; what pandas has for nothing is None."""
    if value is None or value is pandas.NA or value is pandas.NaT:
        return None
    return value.item() if hasattr(value, "item") else value


def with_pandas(path):
    frame = pandas.read_csv(path)
    columns = {}
    for name in frame.columns:
        values = [python_value(value) for value in frame[name]]
        # NaN stands for nothing in a column of numbers; what the file says of it is looked up by the caller.
        columns[name] = [None if isinstance(value, float) and value != value else value for value in values]
    return columns


def with_polars(path):
    frame = polars.read_csv(path, try_parse_dates=True)
    return {name: frame[name].to_list() for name in frame.columns}


def with_duckdb(path):
    # Python's values have no timestamps outside its years, which a date without a year is.
    relation = duckdb.connect().execute("SELECT * FROM read_csv_auto(?)", [str(path)])
    names = [column[0] for column in relation.description]
    rows = relation.fetchall()
    return {name: [row[at] for row in rows] for at, name in enumerate(names)}


R_READER = r"""
for (path in commandArgs(TRUE)) {
    table <- read.csv(path, check.names = FALSE)
    cat("table\n")
    for (name in names(table)) {
        column <- table[[name]]
        cat("column", name, class(column)[1], "\n")
        for (value in column) {
            if (is.na(value) && !is.nan(value)) cat("nothing\n")
            else if (is.numeric(value)) cat("number ", sprintf("%a", value), "\n", sep = "")
            else if (is.complex(value)) cat("complex", Re(value), Im(value), "\n")
            else if (is.logical(value)) cat("truth", value, "\n")
            else cat("text ", paste(as.character(charToRaw(as.character(value))), collapse = ""), "\n", sep = "")
        }
    }
}
"""


def r_number(text):
    special = {"NaN": float("nan"), "Inf": float("inf"), "-Inf": float("-inf")}
    return special[text] if text in special else float.fromhex(text)


def with_r(path):
    done = subprocess.run(["Rscript", "-e", R_READER, str(path)], capture_output=True, text=True, check=True)
    columns = {}
    for line in done.stdout.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "column":
            values = columns[rest.split(" ")[0]] = []
        elif kind == "nothing":
            values.append(None)
        elif kind == "number":
            values.append(r_number(rest))
        elif kind == "complex":
            values.append(complex(*map(float, rest.split())))
        elif kind == "truth":
            values.append(rest.strip() == "TRUE")
        elif kind == "text":
            values.append(bytes.fromhex(rest).decode())
    return columns


def with_calc(path):
    with tempfile.TemporaryDirectory() as folder:
        command = ["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", "xlsx"]
        subprocess.run(command + ["--outdir", folder, str(path)], capture_output=True, check=True)
        book = openpyxl.load_workbook(pathlib.Path(folder) / f"{path.stem}.xlsx")
        header, *rows = book.active.iter_rows(values_only=True)
    return {name: [row[at] for row in rows] for at, name in enumerate(header)}


def versions():
    """The programs that are there, by name, with their versions."""
    found = {"pandas": pandas.__version__, "Polars": polars.__version__, "DuckDB": duckdb.__version__}
    for name, command in [("R", ["Rscript", "--version"]), ("LibreOffice Calc", ["soffice", "--version"])]:
        if shutil.which(command[0]):
            said = subprocess.run(command, capture_output=True, text=True)
            words = (said.stdout + said.stderr).split()
            found[name] = next(word for word in words if word[0].isdigit())
    return found


READERS = {
    "pandas": with_pandas,
    "Polars": with_polars,
    "DuckDB": with_duckdb,
    "R": with_r,
    "LibreOffice Calc": with_calc,
}
