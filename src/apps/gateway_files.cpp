#include "apps/gateway_files.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace market::apps {
namespace {

std::string read_key(const std::string& path) {
  std::error_code ignored;
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path, ignored))
    throw UsageError(fmt::format("auth.key_file: {} cannot be read", path));
  struct stat about {};
  if (::stat(path.c_str(), &about) == 0 && (about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    throw UsageError(fmt::format("auth.key_file: {} is open to others; run chmod 600 on it", path));
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

std::optional<wire::AccessTokens> token_check_of(const Settings& settings) {
  const std::string path = settings.text("auth.key_file");
  if (path.empty()) return std::nullopt;
  try {
    return wire::AccessTokens({wire::SigningKey{"k1", read_key(path)}});
  } catch (const std::invalid_argument& mistake) {
    throw UsageError(fmt::format("auth.key_file: {}: {}", path, mistake.what()));
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
  const std::string path = settings.text("gateway.access_log");
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
    throw UsageError(fmt::format("gateway.access_log: {} cannot be written: {}", path, std::strerror(wrong)));
}

}  // namespace market::apps
