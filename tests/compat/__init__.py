"""What a deployment of gunicorn's becomes here: each case runs under both servers, side by side.

`corpus` reads the cases, `processes` starts and ends a server, `scene` takes it through its life,
`observation` says what was seen of it, `comparison` how two of them differ, `report` shows it.
"""
