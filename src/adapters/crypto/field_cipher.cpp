#include "adapters/crypto/field_cipher.hpp"

#include <sodium.h>

#include <algorithm>
#include <stdexcept>

#include "wire/auth/base64url.hpp"

namespace market::crypto {
namespace {

constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == std::tuple_size_v<FieldSecret>);
static_assert(crypto_auth_hmacsha256_KEYBYTES == std::tuple_size_v<FieldSecret>);

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string base64(const std::vector<unsigned char>& bytes) {
  return wire::encode_base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

bool is_key_id(std::string_view id) {
  return !id.empty() && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
}

}  // namespace

SodiumFieldCipher::SodiumFieldCipher(std::vector<FieldKey> keys, const FieldSecret& index_secret)
    : keys_(std::move(keys)), index_secret_(index_secret) {
  if (sodium_init() < 0) throw std::runtime_error("libsodium cannot start");
  if (keys_.empty()) throw std::runtime_error("there is no key for personal data");
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (!is_key_id(keys_[i].id)) throw std::runtime_error("a field key's id must be letters and digits");
    for (std::size_t k = 0; k < i; ++k)
      if (keys_[k].id == keys_[i].id) throw std::runtime_error("two field keys have the same id");
  }
}

SodiumFieldCipher::~SodiumFieldCipher() {
  for (auto& key : keys_) sodium_memzero(key.secret.data(), key.secret.size());
  sodium_memzero(index_secret_.data(), index_secret_.size());
}

std::string SodiumFieldCipher::encrypt(std::string_view plain, std::string_view context) const {
  const auto& key = keys_.front();
  std::vector<unsigned char> sealed(nonce_bytes + plain.size() + tag_bytes);
  randombytes_buf(sealed.data(), nonce_bytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(sealed.data() + nonce_bytes, nullptr, bytes_of(plain),
                                             plain.size(), bytes_of(context), context.size(), nullptr,
                                             sealed.data(), key.secret.data());
  return key.id + "." + base64(sealed);
}

Result<std::string> SodiumFieldCipher::decrypt(std::string_view stored, std::string_view context) const {
  const auto dot = stored.find('.');
  if (dot == std::string_view::npos) return fail(Code::internal, "a stored personal value has no key id");
  const auto key = std::find_if(keys_.begin(), keys_.end(),
                                [id = stored.substr(0, dot)](const FieldKey& one) { return one.id == id; });
  if (key == keys_.end()) return fail(Code::internal, "the key of a stored personal value is not known here");

  const auto text = stored.substr(dot + 1);
  std::vector<unsigned char> sealed(text.size());
  const auto size = wire::decode_base64url(text, sealed);
  if (!size || *size < nonce_bytes + tag_bytes)
    return fail(Code::internal, "a stored personal value is damaged");
  std::string plain(*size - nonce_bytes - tag_bytes, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          reinterpret_cast<unsigned char*>(plain.data()), nullptr, nullptr, sealed.data() + nonce_bytes,
          *size - nonce_bytes, bytes_of(context), context.size(), sealed.data(), key->secret.data()) != 0)
    return fail(Code::internal, "a stored personal value was changed or moved");
  return plain;
}

std::string SodiumFieldCipher::blind_index(std::string_view text) const {
  std::vector<unsigned char> mac(crypto_auth_hmacsha256_BYTES);
  crypto_auth_hmacsha256(mac.data(), bytes_of(text), text.size(), index_secret_.data());
  return base64(mac);
}

}  // namespace market::crypto
