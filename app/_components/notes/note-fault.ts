import { ApiFailure } from '@/app/_hooks/api-client';

export const noteFault = (cause: unknown): string =>
  cause instanceof ApiFailure ? cause.message : 'The note could not be kept.';
