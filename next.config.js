/**
 * The app is pages only: the front door (workers/api) answers the API, checks access and
 * hands the rest to Next on an internal loopback port.
 *
 * @type {import('next').NextConfig}
 */
const config = {
  distDir: process.env.NEXT_DIST_DIR ?? '.next',
  poweredByHeader: false,
  reactStrictMode: true,
  // The front door compresses; twice would cost time on every page.
  compress: false,
  // `npm run check` holds the types of the whole repository, tests included.
  typescript: { ignoreBuildErrors: true },
  devIndicators: false,
  // In development the page arrives through the front door's host, not Next's own port.
  allowedDevOrigins: ['127.0.0.1', 'localhost'],
};

export default config;
