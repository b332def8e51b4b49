import { existsSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { findChromium } from '../../../workers/launcher/find-chromium.mjs';

/** Debian's package keeps its programs apart from the script that starts them. */
const FOLDERS = ['/usr/lib/chromium', '/usr/lib/chromium-browser'];

/** glibc's RTLD_NODELETE: the library stays although it turns out to be no addon. */
const KEEP_LOADED = 0x1000;

/** The folder of a Chromium that carries SwiftShader and a Vulkan loader; null where there is none. */
export function findSwiftShader(folders = chromiumFolders()): string | null {
  const wanted = ['vk_swiftshader_icd.json', 'libvk_swiftshader.so', 'libvulkan.so.1'];
  return folders.find((folder) => wanted.every((name) => existsSync(join(folder, name)))) ?? null;
}

function chromiumFolders(): readonly string[] {
  const chromium = findChromium();
  return chromium === null ? FOLDERS : [dirname(realpathSync(chromium)), ...FOLDERS];
}

/**
 * Makes the browser's software device the one that Vulkan finds in this process. The loader
 * is loaded from beside it as well: nothing else need be installed.
 */
export function useSwiftShader(folder: string): void {
  process.env['VK_DRIVER_FILES'] = join(folder, 'vk_swiftshader_icd.json');
  try {
    const flags = constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL | KEEP_LOADED;
    process.dlopen({ exports: {} }, join(folder, 'libvulkan.so.1'), flags);
  } catch (error) {
    // Node loaded it, missed an addon in it, and says so; that is all that was wanted.
    if (!String(error).includes('did not self-register')) throw error;
  }
}
