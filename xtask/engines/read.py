"""Reads pictures with one engine, for `cargo xtask bench reading`: a line of JSON per picture on standard output.

usage: read.py ENGINE FILE...

Each engine is used as its documentation shows first, with the models that come with it, and is loaded once. A
picture that it cannot read is a line with `error`.
"""

import json
import subprocess
import sys


def rapidocr():
    from rapidocr import RapidOCR

    engine = RapidOCR()

    def read(path):
        found = engine(path)
        return "\n".join(found.txts or ())

    return read


def faster_paddle(size):
    from faster_paddle import OcrEngine

    engine = OcrEngine(model_size=size)

    def read(path):
        with open(path, "rb") as file:
            return engine.ocr(file.read())["text"]

    return read


def tesseract():
    def read(path):
        command = ["tesseract", path, "-"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        return done.stdout.decode("utf-8", "replace")

    return read


def kreuzberg():
    from kreuzberg import ExtractionConfig, OcrConfig, extract_file_sync

    config = ExtractionConfig(use_cache=False, ocr=OcrConfig(backend="tesseract", language="eng"))

    def read(path):
        return extract_file_sync(path, config=config).content

    return read


ENGINES = {
    "rapidocr": rapidocr,
    "faster-paddle": lambda: faster_paddle("small"),
    "faster-paddle-tiny": lambda: faster_paddle("tiny"),
    "tesseract": tesseract,
    "kreuzberg": kreuzberg,
}


def main(name, paths):
    read = ENGINES[name]()
    for path in paths:
        try:
            line = {"file": path, "text": read(path)}
        except Exception as error:  # Whatever an engine throws at a picture, the next picture is read.
            line = {"file": path, "error": str(error)[:200]}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
