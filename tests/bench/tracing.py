"""What tracing costs a request: the same application without it, with a tenth of the traces sent, with all.

Real servers as in service_chain.py, asked in turn, and a collector that takes what they send.
"""

from __future__ import annotations

from contextlib import ExitStack

from tests.app.tracing.collector import Collector
from tests.bench.service_chain import ROUTES, measured, prepared, running

RATIOS = {"off": None, "tenth": "0.1", "all": "1"}
AIM_TENTH, AIM_ALL = 1.3, 2.0  # times the time to an answer without tracing, at the median


def figures() -> dict[str, float]:
    """Milliseconds by route and share of traces, to an answer and of processor time; spans that arrived."""
    with ExitStack() as stack:
        collector = Collector()
        collector.start()
        stack.callback(collector.stop)
        environment = prepared(stack)
        clients = {}
        for kind, ratio in RATIOS.items():
            on = (
                {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_TRACES_SAMPLER_ARG": ratio}
                if ratio
                else {}
            )
            clients[kind] = stack.enter_context(running("whole", environment | on))
        found: dict[str, float] = {}
        for path in ROUTES.values():
            found |= measured(clients, path)
    found["spans"] = float(len(collector.spans))
    return {f"tracing_{name}": value for name, value in found.items()}


def main() -> dict[str, float]:
    """Print one line per figure; return all."""
    found = figures()
    for meaning, path in ROUTES.items():
        for what, suffix in (("to an answer", "_ms"), ("of processor", "_cpu_ms")):
            name = f"tracing_{path.strip('/')}"
            floor = found[f"{name}_off{suffix}"]
            print(f"time {what}, a route that {meaning}".ljust(52) + f"{floor:7.3f} ms  1.0")
            for kind, aim in (("tenth", AIM_TENTH), ("all", AIM_ALL)):
                taken = found[f"{name}_{kind}{suffix}"]
                said = "met" if taken / floor <= aim else "missed"
                line = f"  with {'a tenth of the' if kind == 'tenth' else 'all'} traces sent".ljust(52)
                print(
                    f"{line}{taken:7.3f} ms  {taken / floor:.2f}"
                    + (f"  aim {said}: {aim}" if suffix == "_ms" else "")
                )
    print("spans that arrived".ljust(52) + f"{found['tracing_spans']:7.0f}")
    return found


if __name__ == "__main__":
    main()
