"""``section`` of an item of ``cfg.settings``: where gunicorn's manual has the setting."""

from __future__ import annotations

from hookserve_gunicorn.objects.names import GUNICORN_HOOKS

OWN = "hookserve"
"""The section of settings that gunicorn does not have."""

_NAMES = {
    "Config File": "config wsgi_app",
    "Server Socket": "bind backlog",
    "Worker Processes": "workers worker_class threads worker_connections max_requests"
    " max_requests_jitter timeout graceful_timeout keepalive asgi_loop asgi_lifespan"
    " asgi_disconnect_grace_period websocket_max_message_size http_parser",
    "Security": "limit_request_line limit_request_fields limit_request_field_size",
    "Debugging": "reload reload_engine reload_extra_files spew check_config print_config",
    "Server Mechanics": "preload_app sendfile reuse_port chdir daemon raw_env pidfile"
    " worker_tmp_dir user group umask initgroups tmp_upload_dir secure_scheme_headers"
    " forwarded_allow_ips"
    " pythonpath paste proxy_protocol proxy_allow_ips protocol uwsgi_allow_ips"
    " raw_paste_global_conf permit_obsolete_folding strip_header_spaces"
    " permit_unconventional_http_method permit_unconventional_http_version casefold_http_method"
    " forwarder_headers header_map root_path",
    "Logging": "accesslog disable_redirect_access_to_syslog access_log_format errorlog loglevel"
    " capture_output logger_class logconfig logconfig_dict logconfig_json syslog_addr syslog"
    " syslog_prefix syslog_facility enable_stdio_inheritance statsd_host dogstatsd_tags"
    " statsd_prefix enable_backlog_metric",
    "Process Naming": "proc_name default_proc_name",
    "SSL": "keyfile certfile ssl_version cert_reqs ca_certs suppress_ragged_eofs"
    " do_handshake_on_connect ciphers",
    "HTTP/2": "http_protocols http2_cleartext http2_max_concurrent_streams"
    " http2_initial_window_size http2_max_frame_size http2_max_header_list_size",
    "Dirty Arbiters": "dirty_apps dirty_workers dirty_timeout dirty_threads dirty_graceful_timeout",
    "Control": "control_socket control_socket_mode control_socket_disable",
}
SECTIONS = {
    **{
        name: "Dirty Arbiter Hooks" if "dirty" in name else "Server Hooks"
        for name in GUNICORN_HOOKS
    },
    **{name: section for section, names in _NAMES.items() for name in names.split()},
}
"""By the setting's name."""
