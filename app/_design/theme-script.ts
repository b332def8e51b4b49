export const THEME_STORAGE_KEY = 'spikescope-theme';

/**
 * Runs before the first paint, so that no page flashes in the wrong theme: the URL's
 * `theme` wins, then the choice kept in this browser, then the system's.
 */
export const THEME_SCRIPT = `(function(){var t=null;
try{t=new URLSearchParams(location.search).get('theme')||localStorage.getItem('${THEME_STORAGE_KEY}')}catch(e){}
if(t!=='dark'&&t!=='light')t=matchMedia('(prefers-color-scheme: light)').matches?'light':'dark';
document.documentElement.dataset.theme=t})()`;
