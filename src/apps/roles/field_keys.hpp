#pragma once
/// The keys of personal data. The first is keys/field-encryption, `f1`; later ones end in their number,
/// `field-encryption.2` is `f2`. The newest encrypts, all decrypt.

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "adapters/crypto/field_cipher.hpp"

namespace market::apps {

inline constexpr auto field_key_file = "field-encryption";
inline constexpr auto field_index_file = "field-index";

/// The newest first; empty when there is none. Throws std::runtime_error on one that cannot be read, is open
/// to others or too short.
std::vector<crypto::FieldKey> load_field_keys(const std::filesystem::path& keys);
/// Those in a folder that must have them. Throws as above, and when one is missing.
crypto::SodiumFieldCipher load_field_cipher(const std::filesystem::path& keys);
/// What there is, whoever may read it: for `market check`, which says so itself.
struct FoundFieldKeys {
  std::vector<crypto::FieldKey> keys;
  std::optional<crypto::FieldSecret> index;
};
FoundFieldKeys find_field_keys(const std::filesystem::path& keys);
/// Throws std::runtime_error when the newest key of `known`, the key checks of rows that are there, or that
/// of their addresses is missing. The keys before are needed by nothing once all is encrypted anew.
void expect_field_keys_of(const std::map<std::string, std::string>& known, const std::filesystem::path& keys);
/// Makes a key that is newer than all others, durably; its id. Throws std::runtime_error.
std::string add_field_key(const std::filesystem::path& keys);

}  // namespace market::apps
