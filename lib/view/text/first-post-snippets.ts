/** Code that a person copies to see a first run: it must work as it stands. */
export interface Snippets {
  readonly curl: string;
  readonly python: string;
}

/** Loopback takes posts without a token; anything else is served with tokens only. */
function isLoopback(origin: string): boolean {
  const host = origin.replace(/^https?:\/\//, '').replace(/:\d+$/, '');
  return host === 'localhost' || host === '[::1]' || /^127\./.test(host);
}

/** Snippets that create a run and post five steps of two layers to `origin`. */
export function prepareFirstPost(origin: string): Snippets {
  const needsToken = !isLoopback(origin);
  const curlToken = needsToken ? ` -H "Authorization: Bearer $SPIKESCOPE_TOKEN" \\\n ` : ' \\\n ';
  const pythonToken = needsToken
    ? ',\n               "Authorization": "Bearer " + os.environ["SPIKESCOPE_TOKEN"]'
    : '';
  return {
    curl: [
      `curl -sS ${origin}/api/v1/runs${curlToken} -H 'Content-Type: application/json' -d '{`,
      `  "project": "first", "id": "hello",`,
      `  "optimizer": {"name": "adamw", "beta1": 0.9, "beta2": 0.95},`,
      `  "layers": [{"name": "wte", "parameterCount": 8192},`,
      `             {"name": "lm_head", "parameterCount": 8192}]}'`,
      `curl -sS ${origin}/api/v1/runs/hello/frames${curlToken} -H 'Content-Type: application/json' -d '{`,
      `  "frames": [{"step": 1, "loss": 4.9, "layers": {"gradient_norm": [0.41, 0.2]}},`,
      `             {"step": 2, "loss": 4.1, "layers": {"gradient_norm": [0.38, 0.3]}}]}'`,
    ].join('\n'),
    python: [
      `import json, ${needsToken ? 'os, ' : ''}urllib.request`,
      ``,
      `def post(path, body):`,
      `    url = "${origin}/api/v1" + path`,
      `    headers = {"Content-Type": "application/json"${pythonToken}}`,
      `    request = urllib.request.Request(url, json.dumps(body).encode(), headers)`,
      `    return json.load(urllib.request.urlopen(request))`,
      ``,
      `layers = [{"name": name, "parameterCount": 8192} for name in ("wte", "lm_head")]`,
      `run = post("/runs", {"project": "first", "optimizer": {"name": "adamw"}, "layers": layers})`,
      `for step in range(1, 6):`,
      `    metrics = {"gradient_norm": [1 / step, 0.5]}`,
      `    frame = {"step": step, "loss": 5 / step, "layers": metrics}`,
      `    post(f"/runs/{run['id']}/frames", {"frames": [frame]})`,
    ].join('\n'),
  };
}

/** What a training job adds to a frame so that a layer has distributions. */
export function prepareHistogramPost(): string {
  return [
    `# of each layer, bias-corrected: u = m / (sqrt(v) + eps), r = m / sqrt(v)`,
    `edges = numpy.linspace(-2, 2, 65)`,
    `def counts(layers):   # exact zeros are counted apart, in no bin`,
    `    return [numpy.histogram(x[x != 0], edges)[0].tolist() for x in layers]`,
    `def outside(layers):  # underflow, overflow, exact zeros, non-finite`,
    `    return [[int((x < -2).sum()), int((x > 2).sum()), int((x == 0).sum()),`,
    `             int((~numpy.isfinite(x)).sum())] for x in layers]`,
    `frame["histograms"] = {`,
    `    "update": {"edges": edges.tolist(), "counts": counts(u), "outside": outside(u)},`,
    `    "ratio": {"edges": edges.tolist(), "counts": counts(r), "outside": outside(r)}}`,
  ].join('\n');
}
