//! Tunnels: GRE, ERSPAN, VXLAN, Geneve, GTP-U and IP in IP.
