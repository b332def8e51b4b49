import { Counter, Gauge, type Registry } from 'prom-client';

type Register<Status> = (name: string, help: string, read: (status: Status) => number) => void;

export interface MetricsOnRead<Status> {
  readonly gauge: Register<Status>;
  /** A total that its owner keeps; `_total` is put behind the name. */
  readonly counter: Register<Status>;
}

/** Registers metrics that are read of `status` whenever Prometheus asks; names begin with `prefix`. */
export function metricsOnRead<Status>(
  registry: Registry,
  prefix: string,
  status: () => Status,
): MetricsOnRead<Status> {
  return {
    gauge(name, help, read) {
      new Gauge({
        name: `${prefix}${name}`,
        help,
        registers: [registry],
        collect() {
          this.set(read(status()));
        },
      });
    },
    counter(name, help, read) {
      new Counter({
        name: `${prefix}${name}_total`,
        help,
        registers: [registry],
        collect() {
          this.reset();
          this.inc(read(status()));
        },
      });
    },
  };
}
