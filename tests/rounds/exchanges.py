"""A tiny project whose scans go out and come back."""

import numpy as np

from beltline.data.annotations import AnnotatedObject, read_annotated
from beltline.data.annotations.conversion import convert
from beltline.formats import SetWriter
from beltline.rounds import Draft, EditedObject, Pick, new_project

SIZE = (40, 60)
MODEL = "model:clicks@5b7a"
ANN, BOB = "person:ann", "person:bob"


def rectangle(left, top=10):
    mask = np.zeros(SIZE, bool)
    mask[top : top + 8, left : left + 12] = True
    mask[top + 3, left + 4] = False  # a hole, which polygons would lose
    return mask


def begun(folder, scans=3):
    """A project with one round of scans, each with two proposals; and its store."""
    rng = np.random.default_rng(0)
    writer = SetWriter(folder / "set", classes=("gun", "knife"))
    for number in range(scans):
        writer.add(f"bag{number}", image=rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8))
    writer.finish()
    project = new_project(folder / "rounds", folder / "set", gate_share=0.0, double_share=0.0).project
    store = project.open()
    items = [item.id for item in store.items.find()]
    offered = tuple(
        EditedObject.drawn(label, rectangle(left), made_by=MODEL, score=0.7)
        for label, left in (("gun", 5), ("knife", 30))
    )
    store.edits.add([Draft(item, MODEL, "proposal", offered, f"offer {item}") for item in items])
    store.rounds.start({"clicks": 64 * "0"}, [Pick(item, "score") for item in items])
    return project, store, items


def work(folder, tool, changed, to):
    """What a person exports: objects as ``changed`` makes them; None leaves a picture unopened."""
    data = read_annotated(folder, tool)
    pictures = []
    for number, picture in enumerate(data.pictures):
        objects = changed(number, list(picture.objects))
        extra = picture.extra if objects is None else {**picture.extra, "predicted": False}
        extra = {key: value for key, value in extra.items() if tool == "labelstudio" or key != "predicted"}
        kept = picture.objects if objects is None else tuple(objects)
        pictures.append(type(picture)(picture.file, kept, size=picture.size, extra=extra))
    convert(type(data)(data.root, data.classes, tuple(pictures)), to, tool, with_images=False)
    return to


def drawn(label, left, top=25):
    """An object that somebody draws in a tool."""
    one = EditedObject.drawn(label, rectangle(left, top), made_by=ANN)
    return AnnotatedObject(label, one.box, one.mask)
