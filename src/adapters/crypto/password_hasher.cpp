#include "adapters/crypto/password_hasher.hpp"

#include <sodium.h>
#include <sys/mman.h>

#include <stdexcept>

namespace market::crypto {
namespace {

constexpr unsigned long long passes = 2;
constexpr std::size_t memory_bytes = std::size_t{19'456} * 1024;

Result<std::string> hash_now(std::string& password) {
  std::string text(crypto_pwhash_STRBYTES, '\0');
  const int failed = crypto_pwhash_str_alg(text.data(), password.data(), password.size(), passes,
                                           memory_bytes, crypto_pwhash_ALG_ARGON2ID13);
  sodium_memzero(password.data(), password.size());
  if (failed != 0) return fail(Code::overloaded, "there is no memory to hash a password");
  text.resize(text.find('\0'));
  return text;
}

/// libsodium calls it a wrong password when there is no memory to look (argon2_verify in argon2.c).
bool has_memory() {
  void* const region =
      mmap(nullptr, memory_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (region == MAP_FAILED) return false;
  munmap(region, memory_bytes);
  return true;
}

Result<bool> is_same(std::string& password, const std::string& hash) {
  const bool same = crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
  sodium_memzero(password.data(), password.size());
  if (!same && !has_memory()) return fail(Code::overloaded, "there is no memory to check a password");
  return same;
}

}  // namespace

ArgonPasswordHasher::ArgonPasswordHasher(unsigned threads, std::size_t waiting_max)
    : pool_(threads, waiting_max) {
  if (sodium_init() < 0) throw std::runtime_error("libsodium cannot be initialised");
  // Of a random password that nobody has. Written by hand: hashing one here would cost the start 20 ms.
  nobody_ =
      "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
}

Task<std::string> ArgonPasswordHasher::hash(std::string password, std::string client) {
  return pool_.run(std::move(client),
                   [password = std::move(password)]() mutable { return hash_now(password); });
}

Task<bool> ArgonPasswordHasher::verify(std::string password, std::string hash, std::string client) {
  const bool known = !hash.empty();
  return pool_.run(std::move(client), [password = std::move(password),
                                       hash = known ? std::move(hash) : nobody_, known]() mutable {
    const auto same = is_same(password, hash);
    return same ? Result<bool>(*same && known) : same;
  });
}

bool ArgonPasswordHasher::is_outdated(const std::string& hash) const {
  return crypto_pwhash_str_needs_rehash(hash.c_str(), passes, memory_bytes) != 0;
}

}  // namespace market::crypto
