"""Many tasks sampled in one batch.

A task asks for its samples one at a time; a dozen in one go are a third cheaper on a processor. `Together` is a
pipeline whose callers run in turns: each goes on until it asks for samples, and when all of them wait, what they ask is
answered in one go. A seed gives the same video in any batch, so the answers are those of the pipeline itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

import torch
from torch import Tensor

from skyloom.diffusion.sampler import OnStep
from skyloom.pipelines.canvas import Canvas
from skyloom.pipelines.engine import Request
from skyloom.pipelines.pipeline import Pipeline

T = TypeVar("T")
AT_ONCE = 12
"""Canvases in one batch: more at a time is no faster on two cores."""


@dataclass
class _Question:
    """What one caller waits for."""

    canvases: Sequence[Canvas]
    seeds: Sequence[int]
    request: Request
    answer: Tensor | None = None
    error: Exception | None = None

    def kind(self) -> Hashable:
        """Return what must be equal within a batch."""
        canvas = self.canvases[0]
        strength = None if canvas.start is None else canvas.strength
        return canvas.size, self.request, strength, canvas.source is None, canvas.mask is None, len(canvas.prompts) > 1


class Together(Pipeline):
    """A pipeline that answers several callers at once; made from another one, whose networks it shares."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.__dict__.update(pipeline.__dict__)
        self._turn = threading.Condition()
        self._questions: list[_Question] = []
        self._busy = 0

    def each(self, tasks: Sequence[Callable[[Pipeline], T]]) -> list[T]:
        """Do every task with this pipeline, one after the other but for sampling. Raises what the first one raised."""
        results: list[T | Exception | None] = [None] * len(tasks)

        def work(number: int) -> None:
            with self._turn:
                try:
                    results[number] = tasks[number](self)
                except Exception as error:
                    results[number] = error
                self._busy -= 1
                self._answer_if_all_wait()

        threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(len(tasks))]
        self._busy = len(threads)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for result in results:
            if isinstance(result, Exception):
                raise result
        return cast("list[T]", results)

    def sample(
        self, canvases: Sequence[Canvas], seeds: Sequence[int], request: Request, on_step: OnStep | None = None
    ) -> Tensor:
        """Wait for the others, then be answered with them; as `Pipeline.sample`, without steps told."""
        question = _Question(canvases, seeds, request)
        with self._turn:
            self._questions.append(question)
            self._answer_if_all_wait()
            while question.answer is None and question.error is None:
                self._turn.wait()
        if question.answer is None:
            raise question.error or RuntimeError("no answer")
        return question.answer

    def _answer_if_all_wait(self) -> None:
        if not self._questions or len(self._questions) < self._busy:
            return
        kinds: dict[Hashable, list[_Question]] = {}
        for question in self._questions:
            kinds.setdefault(question.kind(), []).append(question)
        self._questions = []
        for alike in kinds.values():
            self._answer(alike)
        self._turn.notify_all()

    def _answer(self, questions: Sequence[_Question]) -> None:
        canvases = [canvas for question in questions for canvas in question.canvases]
        seeds = [seed for question in questions for seed in question.seeds]
        try:
            parts = [slice(first, first + AT_ONCE) for first in range(0, len(seeds), AT_ONCE)]
            request = questions[0].request
            latents = torch.cat([Pipeline.sample(self, canvases[part], seeds[part], request) for part in parts])
        except Exception as error:
            for question in questions:
                question.error = error
            return
        for question, answer in zip(questions, latents.split([len(q.seeds) for q in questions]), strict=True):
            question.answer = answer
