'use client';

import { Fragment, useRef } from 'react';
import { searchApiReference, type ApiReferenceView } from '@/lib/view/text/api-reference';
import { EmptyState } from '../_components/states';
import { TextField } from '../_components/text-field';
import { TopBar } from '../_components/top-bar';
import { usePageActions } from '../_hooks/page-actions';
import { useKeyboard } from '../_hooks/use-keyboard';
import { useUrlState } from '../_hooks/use-url-state';
import { RouteSection } from './route-section';
import styles from './api-reference.module.css';

/** Every route of the contract, with a field that finds one by any of its words. */
export function ApiReference({ view }: { readonly view: ApiReferenceView }) {
  const [parameters, patchUrl] = useUrlState();
  const typed = parameters.get('q') ?? '';
  const field = useRef<HTMLInputElement>(null);
  const toSearch = () => field.current?.focus();
  useKeyboard({
    '/': (event) => {
      event.preventDefault();
      toSearch();
    },
  });
  usePageActions('API reference', [{ label: 'Search the routes', keys: ['/'], run: toSearch }]);
  const groups = searchApiReference(view.groups, typed);
  const total = view.groups.reduce((sum, { routes }) => sum + routes.length, 0);
  const found = groups.reduce((sum, { routes }) => sum + routes.length, 0);
  return (
    <>
      <TopBar crumbs={[{ label: 'API reference' }]} />
      <div className={styles['layout']}>
        <nav className={styles['index']} aria-label="Routes">
          <TextField
            ref={field}
            label="Search routes, fields and error codes"
            placeholder="Route, field or error code"
            value={typed}
            onChange={(event) =>
              patchUrl({ q: event.target.value === '' ? null : event.target.value })
            }
          />
          <p className={styles['showing']} role="status">
            Showing {found} of {total} routes
          </p>
          {groups.map(({ name, routes }) => (
            <div key={name}>
              <p className={styles['group']}>{name}</p>
              <ul>
                {routes.map(({ id, method, path, summary }) => (
                  <li key={id}>
                    <a href={`#${id}`} title={summary}>
                      <span className={styles['method']}>{method}</span>
                      <BreakablePath path={path.replace('/api/v1', '')} />
                    </a>
                  </li>
                ))}
              </ul>
            </div>
          ))}
        </nav>
        <main className={styles['main']}>
          <h1>API reference</h1>
          <p className={styles['lead']}>
            Version {view.version} of this server; contract version 1.{' '}
            <a href="/api/v1/openapi.json">OpenAPI 3.1 document</a>
          </p>
          <p className={styles['lead']}>{view.description}</p>
          {groups.map(({ name, description, routes }) => (
            <section key={name} aria-labelledby={`group-${name}`}>
              <h2 id={`group-${name}`} className={styles['title']}>
                {name} <span>{description}</span>
              </h2>
              {routes.map((route) => (
                <RouteSection key={route.id} route={route} />
              ))}
            </section>
          ))}
          {found === 0 ? (
            <EmptyState
              title="No route holds these words."
              text="Names of routes, fields, types and error codes are searched."
            />
          ) : null}
        </main>
      </div>
    </>
  );
}

/** A path that has no room goes on in the next line at a slash, not within a word. */
function BreakablePath({ path }: { readonly path: string }) {
  const [first = '', ...rest] = path.split('/');
  return (
    <span>
      {first}
      {rest.map((part, index) => (
        <Fragment key={index}>
          <wbr />/{part}
        </Fragment>
      ))}
    </span>
  );
}
