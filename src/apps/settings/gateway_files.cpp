#include "apps/settings/gateway_files.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "adapters/files/signing_keys.hpp"

namespace market::apps {

std::vector<wire::SigningKey> token_keys_of(const Settings& settings) {
  const std::string path = settings.text("auth.key_file");
  if (path.empty()) return {};
  try {
    auto keys = files::keys_of(files::load_signing_keys(path));
    if (keys.empty()) throw std::runtime_error(fmt::format("{} cannot be read: there is no such file", path));
    return keys;
  } catch (const std::runtime_error& mistake) {
    throw UsageError(fmt::format("auth.key_file: {}", mistake.what()));
  }
}

std::shared_ptr<http::TlsContext> tls_of(const Settings& settings) {
  const auto certificate = settings.text("gateway.tls_certificate"), key = settings.text("gateway.tls_key");
  if (certificate.empty() != key.empty())
    throw UsageError("gateway.tls_certificate and gateway.tls_key must be set together");
  if (certificate.empty()) return nullptr;
  try {
    return http::load_tls(certificate, key);
  } catch (const std::runtime_error& mistake) {
    throw UsageError(fmt::format("gateway.tls_certificate, gateway.tls_key: {}", mistake.what()));
  }
}

void check_access_log(const Settings& settings) {
  const std::string path = settings.text("http.access_log");
  if (path.empty() || path == "-") return;
  const std::filesystem::path file(path);
  std::error_code ignored;
  int wrong = 0;
  if (std::filesystem::is_directory(file, ignored))
    wrong = EISDIR;
  else if (::access(path.c_str(), F_OK) == 0)
    wrong = ::access(path.c_str(), W_OK) == 0 ? 0 : errno;
  else if (::access(file.has_parent_path() ? file.parent_path().c_str() : ".", W_OK | X_OK) != 0)
    wrong = errno;
  if (wrong != 0)
    throw UsageError(fmt::format("http.access_log: {} cannot be written: {}", path, std::strerror(wrong)));
}

}  // namespace market::apps
