#include "adapters/files/snapshot_file.hpp"

#include <fmt/format.h>
#include <openssl/sha.h>

#include "adapters/files/files.hpp"

namespace market::files {
namespace {

constexpr std::string_view magic = "market snapshot 1\n";

std::string digest_of(std::string_view bytes) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

}  // namespace

// The file: magic, SHA-256 of the rest, the rest. A file cut short fails the digest.
Result<> write_snapshot_file(const std::filesystem::path& path, std::string_view bytes) {
  std::string file;
  file.reserve(magic.size() + SHA256_DIGEST_LENGTH + bytes.size());
  file.append(magic).append(digest_of(bytes)).append(bytes);
  return write_file_durably(path, file);
}

Result<std::optional<std::string>> read_snapshot_file(const std::filesystem::path& path) {
  auto file = read_whole_file(path);
  if (!file || !*file) return file;
  std::string_view rest = **file;
  if (!rest.starts_with(magic)) {
    return fail(Code::internal, path.string() + ": is no snapshot of this version");
  }
  rest.remove_prefix(magic.size());
  if (rest.size() < SHA256_DIGEST_LENGTH ||
      digest_of(rest.substr(SHA256_DIGEST_LENGTH)) != rest.substr(0, SHA256_DIGEST_LENGTH)) {
    return fail(Code::internal, path.string() + ": is damaged (wrong checksum)");
  }
  return std::string(rest.substr(SHA256_DIGEST_LENGTH));
}

Result<std::optional<std::string>> SnapshotFile::load() {
  auto bytes = read_snapshot_file(path_);
  if (!bytes && bytes.error().code == Code::internal) {
    warn_(bytes.error().detail + "; it is left out, and the whole log is read instead");
    return std::nullopt;
  }
  return bytes;
}

}  // namespace market::files
