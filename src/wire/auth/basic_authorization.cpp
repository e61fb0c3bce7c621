#include "wire/auth/basic_authorization.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>

namespace market::wire {

std::string basic_authorization(std::string_view text) {
  std::string coded(4 * ((text.size() + 2) / 3) + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(coded.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  coded.resize(static_cast<std::size_t>(size));
  return "Basic " + coded;
}

bool is_basic_authorization(std::string_view sent, std::string_view wanted) {
  constexpr std::string_view scheme = "basic ";
  if (sent.size() <= scheme.size()) return false;
  for (std::size_t i = 0; i < scheme.size(); ++i)
    if ((i + 1 < scheme.size() ? sent[i] | 0x20 : sent[i]) != scheme[i]) return false;
  sent.remove_prefix(std::min(sent.find_first_not_of(' ', scheme.size()), sent.size()));
  return is_same_secret(sent, wanted.substr(scheme.size()));
}

bool is_same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace market::wire
