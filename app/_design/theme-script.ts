export const THEME_STORAGE_KEY = 'spikescope-theme';

/**
 * Runs before the first paint, so that no page flashes in the wrong theme: the URL's
 * `theme` wins, then the choice kept in this browser, then the system's. A page that is
 * embedded by `embed=1` never draws its bars, and stays so while somebody goes on in it.
 */
export const THEME_SCRIPT = `(function(){var t=null,q=new URLSearchParams(location.search);
if(q.get('embed')==='1')document.documentElement.dataset.embed='';
try{t=q.get('theme')||localStorage.getItem('${THEME_STORAGE_KEY}')}catch(e){}
if(t!=='dark'&&t!=='light')t=matchMedia('(prefers-color-scheme: light)').matches?'light':'dark';
document.documentElement.dataset.theme=t})()`;
