#pragma once
/// TLS in front of sessions: the handshake and the ciphers end here, and the session behind a socket pair
/// sees plain bytes. The certificate can be replaced while connections are open.

#include <memory>
#include <string>

#include "http/server/io_thread.hpp"

namespace market::http {

/// TLS 1.2 or later. Throws std::runtime_error with one clear line: unreadable, not PEM, not a pair.
std::shared_ptr<TlsContext> load_tls(const std::string& certificate_file, const std::string& key_file);

/// Takes an accepted connection through its handshake, then starts its session.
void start_tls(IoThread& thread, OwnedFd fd, const Peer& peer, std::shared_ptr<TlsContext> context);

}  // namespace market::http
