#pragma once
/// ports/field_cipher.hpp with libsodium: XChaCha20-Poly1305 with a random nonce, HMAC-SHA256 for look-ups.
/// A stored value is "<key id>.<base64url of nonce and ciphertext>".

#include <array>
#include <string>
#include <vector>

#include "ports/field_cipher.hpp"

namespace market::crypto {

using FieldSecret = std::array<unsigned char, 32>;
struct FieldKey {
  std::string id;  ///< Letters and digits; never given twice.
  FieldSecret secret{};
};

class SodiumFieldCipher final : public FieldCipher {
 public:
  /// The first of `keys` encrypts, all decrypt. `index_secret` stays for ever: stored indexes depend on it.
  /// Errors: throws std::runtime_error when there is no key, or an id is empty, double or holds other
  /// characters.
  SodiumFieldCipher(std::vector<FieldKey> keys, const FieldSecret& index_secret);
  ~SodiumFieldCipher() override;

  std::string encrypt(std::string_view plain, std::string_view context) const override;
  Result<std::string> decrypt(std::string_view stored, std::string_view context) const override;
  std::string blind_index(std::string_view text) const override;

 private:
  std::vector<FieldKey> keys_;
  FieldSecret index_secret_;
};

}  // namespace market::crypto
