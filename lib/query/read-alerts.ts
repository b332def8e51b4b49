import type { z } from 'zod';
import type { alertRulesReplySchema } from '../contract/alert-rules';
import type { Incident, IncidentsQuery, IncidentsReply } from '../contract/incidents';
import { findAlertRules } from '../store/alerts/alert-rules';
import type { Database } from '../store/database';
import { findIncident, findIncidents } from '../store/alerts/incidents';

/** The rules of a project, by name. Throws AppError `project_not_found`. */
export async function readAlertRules(
  db: Database,
  project: string,
): Promise<z.infer<typeof alertRulesReplySchema>> {
  return { items: await findAlertRules(db, project) };
}

/** What rules found, the newest first. Throws AppError `invalid_query` for an unreadable cursor. */
export function readIncidents(db: Database, query: IncidentsQuery): Promise<IncidentsReply> {
  return findIncidents(db, query);
}

/** Throws AppError `incident_not_found`. */
export function readIncident(db: Database, project: string, id: string): Promise<Incident> {
  return findIncident(db, project, id);
}
