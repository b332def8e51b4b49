import { hasGraphicsDevice } from './graphics-device';
import { type ShapesChoice, chooseShapes } from './choose-shapes';
import { cpuBackend } from './cpu-backend';
import { loadTensorflow } from './load-tensorflow';
import { loadWebgpu } from './load-webgpu';
import { findFault } from './self-test';
import type { BackendChoice, StatisticsBackend } from './statistics-backend';
import { createTensorBackend } from './tensor-backend';
import type { TensorDevice } from './tensor-library';

/** A backend that was asked for or tried, and why it is not the one. */
export interface PassedOver {
  readonly name: string;
  readonly reason: string;
  /** True where something is wrong; false where there is just no such device. */
  readonly isFault: boolean;
}

export interface ChosenBackend {
  readonly backend: StatisticsBackend;
  readonly shapes: ShapesChoice;
  readonly passedOver: readonly PassedOver[];
}

/** How each device is loaded, in the order of preference. */
export type DeviceLoaders = Readonly<Record<'tensorflow' | 'webgpu', () => Promise<TensorDevice>>>;

const LOADERS: DeviceLoaders = { tensorflow: () => loadTensorflow(), webgpu: () => loadWebgpu() };

/**
 * The first backend of TensorFlow, WebGPU and the single pass that loads and passes its
 * self-test, or the one asked for by name; the single pass where none does. A software
 * device is used only when it is asked for: the single pass is faster.
 */
export async function chooseBackend(
  choice: BackendChoice,
  loaders: DeviceLoaders = LOADERS,
): Promise<ChosenBackend> {
  const passedOver: PassedOver[] = [];
  const candidates = (['tensorflow', 'webgpu'] as const).filter(
    (name) => choice === 'auto' || choice === name,
  );
  for (const name of candidates) {
    const isAskedFor = choice === name;
    const passOver = (reason: string, isFault: boolean): void => {
      passedOver.push({ name, reason, isFault: isFault || isAskedFor });
    };
    if (name === 'webgpu' && !isAskedFor && !hasGraphicsDevice()) {
      passOver('this machine has no graphics device', false);
      continue;
    }
    let device: TensorDevice;
    try {
      device = await loaders[name]();
    } catch (error) {
      passOver(`it did not load: ${firstLine(error)}`, false);
      continue;
    }
    const backend = createTensorBackend(device);
    if (device.isSoftware && !isAskedFor) {
      backend.dispose();
      passOver(
        `${device.device} is a software device, slower than the single pass; ` +
          `STATISTICS_BACKEND=${name} uses it all the same`,
        false,
      );
      continue;
    }
    const fault = await findFault(backend).catch((error: unknown) => firstLine(error));
    if (fault === null) return { ...(await chooseShapes(backend)), passedOver };
    backend.dispose();
    passOver(`its self-test failed on ${device.device}: ${fault}`, true);
  }
  return { backend: cpuBackend, shapes: { backend: 'cpu', reason: ONLY_BACKEND }, passedOver };
}

const ONLY_BACKEND = 'no accelerator is in use';

/** A failed require lists every file that asked for it. */
function firstLine(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return line;
}
