#pragma once
/// The files of the keys that sign access tokens. The first is `token-signing`; each later one has the second
/// it was made at in its name, `token-signing.1764126727`, so that a copy of the files loses nothing. A
/// gateway on another machine has copies with the same endings.
///
///   const auto keys = load_signing_keys(folder.keys() / signing_key_file);   // the newest first: it signs

#include <filesystem>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "wire/auth/access_token.hpp"

namespace market::files {

/// Of the first one, in the folder of the keys.
inline constexpr auto signing_key_file = "token-signing";

struct StoredSigningKey {
  wire::SigningKey key;  ///< Its id: `k1` of the first, `k1764126727` of a later one.
  std::filesystem::path file;
  Instant made_at{};  ///< Whole seconds; 1970 of the first.
};

/// Whether there is any, be it one that cannot be read.
bool has_signing_keys(const std::filesystem::path& first);

/// The newest first; empty when there is none. `first`: the first key's path, whose file may be retired.
/// Throws std::runtime_error on a file that cannot be read, is open to others or too short.
std::vector<StoredSigningKey> load_signing_keys(const std::filesystem::path& first);

/// What AccessTokens takes.
std::vector<wire::SigningKey> keys_of(std::vector<StoredSigningKey> stored);

/// Makes a key that is newer than all others, durably. Throws std::runtime_error.
StoredSigningKey add_signing_key(const std::filesystem::path& first, Instant now);

/// Removes the file for good. Throws std::runtime_error.
void remove_signing_key(const StoredSigningKey& key);

}  // namespace market::files
