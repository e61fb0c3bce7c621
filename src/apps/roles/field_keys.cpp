#include "apps/roles/field_keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <stdexcept>

#include "adapters/crypto/random_source.hpp"
#include "adapters/files/files.hpp"

namespace market::apps {
namespace {

/// 1 of the first key's file, 0 of another file.
int number_of(const std::string& name) {
  const std::string_view first = field_key_file;
  if (name == first) return 1;
  if (!name.starts_with(first) || name.size() <= first.size() + 1 || name[first.size()] != '.') return 0;
  const char* const begin = name.data() + first.size() + 1;
  const char* const end = name.data() + name.size();
  int number = 0;
  const auto [stop, error] = std::from_chars(begin, end, number);
  return error == std::errc() && stop == end && number >= 2 && *begin != '0' ? number : 0;
}

crypto::FieldSecret read_secret(const std::filesystem::path& file) {
  crypto::FieldSecret secret;
  const auto key = files::read_key_file(file, secret.size());
  if (!key) throw std::runtime_error(key.error().detail);
  if (!*key) throw std::runtime_error(fmt::format("key file {} is missing", file.string()));
  std::memcpy(secret.data(), (*key)->data(), secret.size());
  return secret;
}

/// The newest first.
std::vector<int> numbers_in(const std::filesystem::path& keys) {
  std::vector<int> numbers;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(keys, none))
    if (const int number = number_of(entry.path().filename().string()); number > 0) numbers.push_back(number);
  std::sort(numbers.rbegin(), numbers.rend());
  return numbers;
}

std::filesystem::path file_of(const std::filesystem::path& keys, int number) {
  return keys / (number == 1 ? std::string(field_key_file) : fmt::format("{}.{}", field_key_file, number));
}

}  // namespace

std::vector<crypto::FieldKey> load_field_keys(const std::filesystem::path& keys) {
  std::vector<crypto::FieldKey> all;
  for (const int number : numbers_in(keys))
    all.push_back({fmt::format("f{}", number), read_secret(file_of(keys, number))});
  return all;
}

crypto::SodiumFieldCipher load_field_cipher(const std::filesystem::path& keys) {
  auto all = load_field_keys(keys);
  if (all.empty())
    throw std::runtime_error(fmt::format("key file {} is missing", (keys / field_key_file).string()));
  return crypto::SodiumFieldCipher(std::move(all), read_secret(keys / field_index_file));
}

FoundFieldKeys find_field_keys(const std::filesystem::path& keys) {
  const auto read = [](const std::filesystem::path& file) -> std::optional<crypto::FieldSecret> {
    crypto::FieldSecret secret;
    const auto bytes = files::read_whole_file(file);
    if (!bytes || !*bytes || (*bytes)->size() < secret.size()) return std::nullopt;
    std::memcpy(secret.data(), (*bytes)->data(), secret.size());
    return secret;
  };
  FoundFieldKeys found;
  for (const int number : numbers_in(keys))
    if (const auto secret = read(file_of(keys, number)))
      found.keys.push_back({fmt::format("f{}", number), *secret});
  found.index = read(keys / field_index_file);
  return found;
}

void expect_field_keys_of(const std::map<std::string, std::string>& known,
                          const std::filesystem::path& keys) {
  int newest = 0;
  for (const auto& [name, value] : known) newest = std::max(newest, number_of(name));
  std::vector<std::filesystem::path> needed;
  if (newest > 0) needed.push_back(file_of(keys, newest));
  if (known.contains(field_index_file)) needed.push_back(keys / field_index_file);
  for (const auto& key : needed)
    if (!files::has_bytes(key))
      throw std::runtime_error(
          fmt::format("key file {} is missing, and what is encrypted cannot be read without it; put it back "
                      "from where you keep your keys",
                      key.string()));
}

std::string add_field_key(const std::filesystem::path& keys) {
  const auto numbers = numbers_in(keys);
  const int number = numbers.empty() ? 1 : numbers.front() + 1;
  std::array<std::uint8_t, std::tuple_size_v<crypto::FieldSecret>> bytes;
  crypto::SodiumRandomSource().fill(bytes);
  const std::string secret(bytes.begin(), bytes.end());
  if (const auto written = files::write_file_durably(file_of(keys, number), secret); !written)
    throw std::runtime_error(written.error().detail);
  return fmt::format("f{}", number);
}

}  // namespace market::apps
