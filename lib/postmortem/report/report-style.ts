/** The design's tokens for a file that stands alone, with a system's own fonts. */
import {
  colourRamp,
  hexOfPacked,
  RAMP_LENGTH,
  type ThemeName,
} from '../../view/colours/colour-ramp';

/** Shades of a heatmap's cells; more cannot be told apart in a cell of 10 px. */
export const CELL_SHADES = 24;

function shades(theme: ThemeName): string {
  const ramp = colourRamp(theme, 'above');
  return Array.from({ length: CELL_SHADES }, (_, shade) => {
    const at = Math.round((shade / (CELL_SHADES - 1)) * (RAMP_LENGTH - 1));
    return `--s${shade}:${hexOfPacked(ramp[at] ?? 0)}`;
  }).join(';');
}

const LIGHT = `--bg:#fcfbf8;--raised:#f5f3ee;--line:#e2ded5;--line2:#bfb9ad;--text:#1b1c1e;--text2:#55585c;--text3:#6d6f71;--trace:#1f2123;--trace2:#77797c;--accent:#1f5fc4;--ok:#1e7257;--spike:#c43a17;--rms:#6b46c8;--mark:#3d6878;--bars:#c9c7c2;${shades('light')}`;
const DARK = `--bg:#0f1113;--raised:#15181b;--line:#24292d;--line2:#3a4147;--text:#e8eaec;--text2:#a9b0b6;--text3:#818991;--trace:#dde1e4;--trace2:#8b939a;--accent:#6ca8ff;--ok:#63c2a2;--spike:#ff6b4a;--rms:#b79cff;--mark:#7fa6b8;--bars:#3a3d40;${shades('dark')}`;

export const REPORT_STYLE = `:root{color-scheme:light dark;${LIGHT}}
@media screen and (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
html{background:var(--bg);color:var(--text);font:13px/20px 'IBM Plex Sans',system-ui,sans-serif;font-variant-numeric:tabular-nums}
body{margin:0}
main{max-width:860px;margin:0 auto;padding:32px 24px 64px}
h1{font-size:20px;line-height:28px;font-weight:600;margin:0}
h2{font-size:15px;line-height:22px;font-weight:600;margin:32px 0 8px;padding-top:16px;border-top:1px solid var(--line)}
h3{font-size:13px;font-weight:600;margin:20px 0 4px}
h4{font-size:13px;font-weight:600;margin:8px 0 4px}
p{margin:4px 0 8px;max-width:78ch}
.decision{font-weight:600;margin:12px 0}
h3+.decision{font-weight:400;margin:4px 0 8px}
.sub,.small,small,figcaption,footer{color:var(--text3);font-size:12px;line-height:16px}
ul,ol{margin:4px 0 8px;padding-left:18px}
li{margin:4px 0;max-width:78ch}
li small{display:block}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(190px,1fr));gap:12px 16px;margin:16px 0}
dt{color:var(--text3);font-size:11px;line-height:16px}
dd{margin:0;font-size:15px;font-weight:600}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:12px;line-height:16px;width:100%}
th{text-align:left;font-weight:400;color:var(--text3);padding:4px 12px 4px 0;white-space:nowrap}
td{border-top:1px solid var(--line);padding:5px 12px 5px 0;vertical-align:top}
.n{text-align:right;white-space:nowrap}
figure{margin:12px 0 20px}
svg{display:block;max-width:100%;height:auto}
svg text{fill:var(--text2);font:11px 'IBM Plex Sans',system-ui,sans-serif}
article{border-left:2px solid var(--line2);padding-left:12px;margin:12px 0}
blockquote{margin:4px 0 8px 12px;color:var(--text2)}
pre{background:var(--raised);padding:8px 12px;overflow-x:auto}
code{font-family:'IBM Plex Mono',ui-monospace,monospace;font-size:12px}
a{color:var(--accent)}
footer{margin-top:40px;border-top:1px solid var(--line);padding-top:8px}
@media print{main{max-width:none;padding:0}h2{break-after:avoid}figure,tr,article{break-inside:avoid}}`;
