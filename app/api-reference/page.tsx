import type { Metadata } from 'next';
import { buildOpenApi } from '@/lib/contract/openapi';
import { prepareApiReference } from '@/lib/view/text/api-reference';
import packageJson from '@/package.json';
import { ApiReference } from './api-reference';

export const metadata: Metadata = { title: 'API reference' };

/**
 * The document of `/api/v1/openapi.json` as a page. Built by the same function, so the
 * two cannot differ, and readable without scripts or the server's database.
 */
export default function Page() {
  return (
    <ApiReference view={prepareApiReference(buildOpenApi({ version: packageJson.version }))} />
  );
}
