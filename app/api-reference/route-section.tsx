import type { BodyView, FieldRow, RouteView } from '@/lib/view/text/api-reference';
import { CodeBlock } from '../_components/code-block';
import styles from './route-section.module.css';

function Fields({
  caption,
  rows,
  isReply = false,
}: {
  readonly caption: string;
  readonly rows: readonly (FieldRow & { readonly place?: string })[];
  /** In a reply every field is there; only the type matters. */
  readonly isReply?: boolean;
}) {
  if (rows.length === 0) return null;
  return (
    <div className={styles['scroll']} tabIndex={0} role="region" aria-label={caption}>
      <table className={styles['fields']}>
        <caption className="visually-hidden">{caption}</caption>
        <tbody>
          {rows.map(({ path, type, isRequired, description, place }) => (
            <tr key={`${place ?? ''} ${path}`}>
              <th scope="row">
                <code>{path}</code>
              </th>
              <td>
                {type}
                {isRequired && !isReply ? <em className={styles['required']}> required</em> : null}
                {place === 'path' ? <span className={styles['quiet']}> in the path</span> : null}
              </td>
              <td>{description}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Tensors({ body, label }: { readonly body: BodyView; readonly label: string }) {
  if (body.tensors.length === 0) return null;
  const caption = `Tensors of ${label}`;
  return (
    <div className={styles['scroll']} tabIndex={0} role="region" aria-label={caption}>
      <table className={styles['fields']}>
        <caption className="visually-hidden">{caption}</caption>
        <tbody>
          {body.tensors.map(({ name, dtype, shape, meaning }) => (
            <tr key={name}>
              <th scope="row">
                <code>{name}</code>
              </th>
              <td>
                {dtype} {shape}
              </td>
              <td>{meaning}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className={styles['legend']}>T steps, L layers, B bins, S samples, C columns.</p>
    </div>
  );
}

function Body({
  body,
  label,
  isReply = false,
}: {
  readonly body: BodyView;
  readonly label: string;
  readonly isReply?: boolean;
}) {
  const { mediaType, schemaName, fields, example } = body;
  return (
    <div className={styles['body']}>
      <p className={styles['media']}>
        <code>{mediaType}</code>
        {schemaName === null ? null : <span className={styles['quiet']}> {schemaName}</span>}
      </p>
      <Tensors body={body} label={label} />
      <Fields caption={`Fields of ${label}`} rows={fields} isReply={isReply} />
      {example === null ? null : (
        <details className={styles['details']}>
          <summary>Example</summary>
          <CodeBlock code={example} label={`Example of ${label}`} />
        </details>
      )}
    </div>
  );
}

/** One route: what it takes, what it answers, what can go wrong. */
export function RouteSection({ route }: { readonly route: RouteView }) {
  const { id, method, path, summary, description, access } = route;
  const name = `${method} ${path}`;
  return (
    <article id={id} className={styles['route']} aria-labelledby={`${id}-title`}>
      <h3 id={`${id}-title`} className={styles['head']}>
        <a href={`#${id}`} className={styles['anchor']}>
          <span className={styles['method']}>{method}</span> <code>{path}</code>
        </a>
      </h3>
      <p className={styles['summary']}>{summary}</p>
      <p className={styles['text']}>
        {description} {access === null ? 'Asks for no token.' : `Asks for a ${access}.`}
      </p>
      {route.parameters.length === 0 ? null : (
        <>
          <h4>Parameters</h4>
          <Fields caption={`Parameters of ${name}`} rows={route.parameters} />
        </>
      )}
      {route.bodies.length === 0 ? null : (
        <>
          <h4>Body</h4>
          {route.bodies.map((body) => (
            <Body key={body.mediaType} body={body} label={`the body of ${name}`} />
          ))}
        </>
      )}
      <h4>Replies</h4>
      {route.replies.map(({ status, description: words, bodies }) => (
        <div key={status} className={styles['reply']}>
          <p>
            <strong>{status}</strong> {words}
          </p>
          {bodies.map((body) => (
            <details key={body.mediaType} className={styles['details']}>
              <summary>
                {body.mediaType}
                {body.schemaName === null ? '' : `, ${body.schemaName}`}
              </summary>
              <Body body={body} label={`reply ${status} of ${name}`} isReply />
            </details>
          ))}
        </div>
      ))}
      <ul className={styles['errors']} aria-label={`Errors of ${name}`}>
        {route.errors.map(({ status, codes, hasRetryAfter }) => (
          <li key={status}>
            <strong>{status}</strong> <code>{codes.join(' ')}</code>
            {hasRetryAfter ? <span className={styles['quiet']}> with Retry-After</span> : null}
          </li>
        ))}
      </ul>
      {route.curl === null ? null : <CodeBlock code={route.curl} label={`${name} with curl`} />}
    </article>
  );
}
