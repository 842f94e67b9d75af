"""Prompts expanded by a language model behind an OpenAI-compatible URL, if the user names one.

Nothing is asked of any address that was not named. The key, where one is needed, is read from OPENAI_API_KEY.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import urllib.error
import urllib.request
from typing import Any

from skyloom.errors import GenerationError, InvalidArgument

TIMEOUT = 30.0
"""Seconds."""
LONGEST_ANSWER = 1 << 20
STYLE = (
    "Describe a short video in one or two plain English sentences, at most {words} words. Say who is there, what they "
    "do and in which direction, the place, the weather, the picture style and how the camera moves. Keep every noun, "
    "number, colour and relation of the request exactly as it is, add only what it leaves unsaid. Answer with the "
    "description alone."
)
_LITTLE = "a an the in on at of to and with from is are it its as by into onto over"
LITTLE = frozenset(_LITTLE.split())


def expand(prompt: str, url: str, model: str = "default", words: int = 30, timeout: float = TIMEOUT) -> str:
    """Return a descriptive prompt written by a model behind `url`, which holds every word of `prompt` that matters.

    url: of the API, as "http://localhost:8080/v1". Raises InvalidArgument for a url that is none, GenerationError when
    it does not answer, or answers with something else than was asked.
    """
    if not re.match(r"https?://[^/\s]+", url):
        raise InvalidArgument("expand_url", url, "begin with http:// or https://", "http://localhost:8080/v1")
    messages = [{"role": "system", "content": STYLE.format(words=words)}, {"role": "user", "content": prompt}]
    body = json.dumps({"model": model, "messages": messages, "temperature": 0}).encode()
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get("OPENAI_API_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(f"{url.rstrip('/')}/chat/completions", body, headers)
    told = " ".join(_content(_answer(request, url, timeout), url).split())
    if lost := missing(prompt, told):
        raise GenerationError(f"{url} left out of the prompt: {', '.join(lost)}; it is not used")
    return told


def missing(prompt: str, told: str) -> list[str]:
    """Return the words of a prompt, little ones aside, that its telling does not hold."""
    kept = set(re.findall(r"\w+", told.lower()))
    return [word for word in re.findall(r"\w+", prompt.lower()) if word not in kept | LITTLE]


def _answer(request: urllib.request.Request, url: str, timeout: float) -> Any:
    """Return what a server answers, as plain values."""
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return json.loads(response.read(LONGEST_ANSWER))
    except urllib.error.HTTPError as error:
        raise GenerationError(f"{url} answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise GenerationError(f"{url} cannot be reached: {error.reason}") from error
    except TimeoutError as error:
        raise GenerationError(f"{url} did not answer within {timeout:g} seconds") from error
    except (ValueError, OSError, http.client.HTTPException) as error:
        raise GenerationError(f"{url} does not answer as an OpenAI-compatible API would") from error


def _content(answer: Any, url: str) -> str:
    try:
        content = answer["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError) as error:
        raise GenerationError(f"{url} does not answer as an OpenAI-compatible API would") from error
    if not isinstance(content, str) or not content.strip():
        raise GenerationError(f"{url} answers with an empty description")
    return content
