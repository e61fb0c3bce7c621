#include "wire/auth/basic_authorization.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

namespace market::wire {

std::string basic_authorization(std::string_view text) {
  std::string coded(4 * ((text.size() + 2) / 3) + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(coded.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  coded.resize(static_cast<std::size_t>(size));
  return "Basic " + coded;
}

bool is_same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace market::wire
