"""Runs that other tools recorded, posted through the HTTP contract.

files ─▶ segments (a process's observations, in order) ─▶ Recording (attempts, columns)
      ─▶ Plan (which name is which metric of which layer) ─▶ frames ─▶ server
"""
