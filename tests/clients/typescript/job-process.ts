import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const CLIENT = join(process.cwd(), 'clients/typescript/create-client.ts');

export interface JobSettings {
  readonly url: string;
  readonly directory: string | null;
  readonly id?: string;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly errors: string;
}

/** A training job in a process of its own: `code` finds `client`, `start(id)` and a `run`. */
export class JobProcess {
  readonly child: ChildProcess;
  private errors = '';
  private readonly lines: string[] = [];
  private listeners: (() => void)[] = [];
  private readonly ended: Promise<unknown[]>;

  constructor(code: string, { url, directory, id = 'run-1' }: JobSettings) {
    const source = `
      import { createClient } from ${JSON.stringify(CLIENT)};
      const client = createClient(${JSON.stringify({ url, directory })});
      const layers = [{ name: 'wte', parameterCount: 8 }, { name: 'head', parameterCount: 8 }];
      const start = (id, more = {}) =>
        client.startRun({ project: 'tests', id, optimizer: { name: 'adamw' }, layers, ...more });
      const say = (text) => process.stdout.write(text + '\\n');
      const run = start(${JSON.stringify(id)});
      ${code}
    `;
    const args = ['--import', 'tsx', '--input-type=module', '--eval', source];
    this.child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.ended = once(this.child, 'close');
    this.child.stderr!.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      this.lines.push(line);
      for (const listener of this.listeners.splice(0)) listener();
    });
    this.child.on('close', () => {
      for (const listener of this.listeners.splice(0)) listener();
    });
  }

  /** Resolves once the job has said `line`. Throws where it ended before. */
  async said(line: string): Promise<void> {
    while (!this.lines.includes(line)) {
      if (this.child.exitCode !== null) throw new Error(`ended before "${line}": ${this.errors}`);
      await new Promise<void>((resolve) => this.listeners.push(resolve));
    }
  }

  async end(): Promise<Ended> {
    await this.ended;
    return { code: this.child.exitCode, signal: this.child.signalCode, errors: this.errors };
  }
}
