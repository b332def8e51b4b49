/** A thread that cannot start, whatever is asked of it. */
throw new Error('this thread has nothing to run on');
