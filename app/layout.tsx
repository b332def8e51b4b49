import type { Metadata, Viewport } from 'next';
import { Suspense, type ReactNode } from 'react';
import '@fontsource/ibm-plex-sans/400.css';
import '@fontsource/ibm-plex-sans/500.css';
import '@fontsource/ibm-plex-sans/600.css';
import '@fontsource/ibm-plex-mono/400.css';
import './_design/tokens.css';
import './_design/global.css';
import { PageTools } from './_components/page-tools';
import { UrlBridge } from './_components/url-bridge';
import { THEME_SCRIPT } from './_design/theme-script';

export const metadata: Metadata = {
  title: { default: 'Spikescope', template: '%s · Spikescope' },
  description: 'A seismograph for large-model training.',
};

export const viewport: Viewport = { width: 'device-width', initialScale: 1 };

export default function RootLayout({ children }: { readonly children: ReactNode }) {
  return (
    // The script below sets the theme before React wakes, so the attribute may differ.
    <html lang="en" data-theme="dark" suppressHydrationWarning>
      <head>
        <script dangerouslySetInnerHTML={{ __html: THEME_SCRIPT }} />
      </head>
      <body>
        <Suspense fallback={null}>
          <UrlBridge />
        </Suspense>
        {children}
        <PageTools />
      </body>
    </html>
  );
}
