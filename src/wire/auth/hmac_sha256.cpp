#include "wire/auth/hmac_sha256.hpp"

#include <stdexcept>
#include <string>

namespace market::wire {
namespace {

constexpr std::size_t block_bytes = 64;

void must(int done) {
  if (done != 1) throw std::runtime_error("OpenSSL cannot compute SHA-256");
}

std::string sha256(std::string_view text) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  must(EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), &size,
                  EVP_sha256(), nullptr));
  digest.resize(size);
  return digest;
}

}  // namespace

HmacSha256::Context HmacSha256::keyed(std::string_view block) {
  Context context(EVP_MD_CTX_new());
  if (!context) throw std::runtime_error("OpenSSL has no memory");
  must(EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr));
  must(EVP_DigestUpdate(context.get(), block.data(), block.size()));
  return context;
}

HmacSha256::HmacSha256(std::string_view key) {
  std::string block = key.size() > block_bytes ? sha256(key) : std::string(key);
  block.resize(block_bytes, '\0');
  const auto masked = [&block](char mask) {
    std::string text = block;
    for (char& c : text) c = static_cast<char>(c ^ mask);
    return text;
  };
  inner_ = keyed(masked(0x36));
  outer_ = keyed(masked(0x5C));
}

HmacSha256::Mac HmacSha256::of(std::string_view message) const {
  thread_local const Context work(EVP_MD_CTX_new());
  if (!work) throw std::runtime_error("OpenSSL has no memory");
  Mac mac;
  must(EVP_MD_CTX_copy_ex(work.get(), inner_.get()));
  must(EVP_DigestUpdate(work.get(), message.data(), message.size()));
  must(EVP_DigestFinal_ex(work.get(), mac.data(), nullptr));
  must(EVP_MD_CTX_copy_ex(work.get(), outer_.get()));
  must(EVP_DigestUpdate(work.get(), mac.data(), mac.size()));
  must(EVP_DigestFinal_ex(work.get(), mac.data(), nullptr));
  return mac;
}

}  // namespace market::wire
