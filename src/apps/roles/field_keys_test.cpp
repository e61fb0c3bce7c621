#include "apps/roles/field_keys.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/support/temp_folder.hpp"

namespace market::apps {
namespace {

class FieldKeys : public testing::Test {
 protected:
  void write(const std::string& name, char byte, std::size_t size = 32, mode_t mode = 0600) {
    const auto file = folder_.path() / name;
    std::ofstream(file, std::ios::binary) << std::string(size, byte);
    ::chmod(file.c_str(), mode);
  }
  std::vector<std::string> ids() {
    std::vector<std::string> all;
    for (const auto& key : load_field_keys(folder_.path())) all.push_back(key.id);
    return all;
  }
  using Ids = std::vector<std::string>;
  tests::TempFolder folder_;
};

TEST_F(FieldKeys, TheNewestComesFirst) {
  EXPECT_TRUE(ids().empty());
  write("field-encryption", 'a');
  for (const char* name : {"field-encryption.2", "field-encryption.10"}) write(name, 'b');
  for (const char* other :
       {"field-encryption.", "field-encryption.1", "field-encryption.02", "field-encryption.x",
        "field-encryption.3.tmp", "field-encryption-2", "field-index", "token-signing"})
    write(other, 'c');
  EXPECT_EQ(ids(), (Ids{"f10", "f2", "f1"}));
}

TEST_F(FieldKeys, WhatWasWrittenWithAnOlderOneIsReadAndANewOneWrites) {
  write("field-index", 'i');
  EXPECT_EQ(add_field_key(folder_.path()), "f1");
  const std::string before = load_field_cipher(folder_.path()).encrypt("Kim", "accounts.name.1");
  EXPECT_EQ(add_field_key(folder_.path()), "f2");
  const auto cipher = load_field_cipher(folder_.path());
  EXPECT_EQ(*cipher.decrypt(before, "accounts.name.1"), "Kim");
  EXPECT_TRUE(cipher.encrypt("Kim", "accounts.name.1").starts_with("f2."));
  std::filesystem::remove(folder_.path() / "field-encryption");
  EXPECT_EQ(ids(), Ids{"f2"});
  EXPECT_FALSE(load_field_cipher(folder_.path()).decrypt(before, "accounts.name.1"));
}

TEST_F(FieldKeys, ABadFileIsNamed) {
  EXPECT_THROW(load_field_cipher(folder_.path()), std::runtime_error);
  write("field-encryption", 'a');
  EXPECT_THROW(load_field_cipher(folder_.path()), std::runtime_error) << "no index key";
  write("field-index", 'i');
  EXPECT_NO_THROW(load_field_cipher(folder_.path()));
  write("field-encryption.2", 'b', 31);
  EXPECT_THROW(load_field_keys(folder_.path()), std::runtime_error) << "too short";
  write("field-encryption.2", 'b', 32, 0644);
  EXPECT_THROW(load_field_keys(folder_.path()), std::runtime_error) << "open to others";
  EXPECT_EQ(find_field_keys(folder_.path()).keys.size(), 2u) << "who checks says that itself";
}

}  // namespace
}  // namespace market::apps
