#include "services/product/scaled_pictures.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <map>

#include "base/task_group.hpp"
#include "tests/support/test_clock.hpp"
#include "tests/support/test_pictures.hpp"
#include "wire/image/image.hpp"

namespace market::product {
namespace {

std::string grey_png(std::uint32_t width, std::uint32_t height) {
  return tests::png_of(std::string(std::size_t{width} * height * 4, '\x7F'), width, height);
}

struct MemoryPictures final : Pictures {
  Task<std::string> store(std::shared_ptr<const std::string>) override { co_return std::string(); }
  Task<std::string> load(std::string hash) override {
    ++loads;
    if (!all.contains(hash)) co_return fail(Code::not_found, "none");
    co_return all.at(hash);
  }
  std::map<std::string, std::string> all;
  int loads = 0;
};

struct MemorySizes final : PictureSizes {
  Task<std::string> find(std::string hash, std::uint32_t width) override {
    if (!all.contains({hash, width})) co_return fail(Code::not_found, "none");
    co_return all.at({hash, width});
  }
  Task<> keep(std::string hash, std::uint32_t width, std::string bytes) override {
    ++kept;
    if (std::exchange(broken, false)) throw std::bad_alloc();
    if (full) co_return fail(Code::insufficient_storage, "full");
    all[{hash, width}] = std::move(bytes);
    co_return Result<>();
  }
  std::map<std::pair<std::string, std::uint32_t>, std::string> all;
  int kept = 0;
  bool full = false, broken = false;
};

class ScaledPicturesTest : public testing::Test {
 protected:
  ~ScaledPicturesTest() override { decoding_.stop(); }
  asio::awaitable<void> ask(std::string hash, std::uint32_t width) {
    auto shown = co_await scaled_.load(std::move(hash), width);
    answers_.push_back(std::move(shown));
  }
  /// As many as that at once.
  std::vector<Result<ShownPicture>> load(const std::string& hash, std::uint32_t width, int times = 1) {
    answers_.clear();
    io_.restart();
    for (int i = 0; i < times; ++i) tasks_.spawn(io_.get_executor(), ask(hash, width));
    io_.run();
    return std::move(answers_);
  }
  asio::io_context io_;
  MemoryPictures pictures_;
  MemorySizes sizes_;
  TaskGroup tasks_{"a picture"};
  FairPool decoding_{1, 16};
  tests::TestClock clock_;
  ScaledPictures scaled_{pictures_, sizes_, decoding_, clock_};
  std::vector<Result<ShownPicture>> answers_;
};

TEST_F(ScaledPicturesTest, SixtyWhoAskAtOnceHaveItMadeOnce) {
  pictures_.all["a"] = grey_png(700, 20);
  for (const auto& each : load("a", 320, 60)) {
    ASSERT_TRUE(each);
    EXPECT_TRUE(each->lasting);
    EXPECT_EQ(wire::decode_image(*each->bytes)->width, 320u);
  }
  EXPECT_EQ(sizes_.kept, 3) << "640, 320 and 160";
  EXPECT_TRUE(load("a", 160)[0]->lasting);
  EXPECT_EQ(sizes_.kept, 3);
}

TEST_F(ScaledPicturesTest, AnExceptionKeepsNobodyFromMakingItAgain) {
  pictures_.all["a"] = grey_png(700, 20);
  sizes_.broken = true;
  EXPECT_TRUE(load("a", 320).empty()) << "it was thrown";
  EXPECT_TRUE(load("a", 320)[0]->lasting);
}

TEST_F(ScaledPicturesTest, APictureThatIsNoWiderIsItsOwnCopy) {
  pictures_.all["a"] = grey_png(320, 20);
  const auto shown = load("a", 320)[0];
  EXPECT_EQ(*shown->bytes, pictures_.all["a"]);
  EXPECT_TRUE(shown->lasting);
  EXPECT_EQ(sizes_.kept, 0);
  EXPECT_EQ(*load("a", 0)[0]->bytes, pictures_.all["a"]);
  EXPECT_EQ(load("b", 320)[0].error().code, Code::not_found);
}

TEST_F(ScaledPicturesTest, OnAFullDiskThePictureItselfIsShownAndNothingIsMadeForAWhile) {
  pictures_.all["a"] = grey_png(700, 20);
  sizes_.full = true;
  for (int i = 0; i < 5; ++i) {
    const auto shown = load("a", 320)[0];
    EXPECT_EQ(*shown->bytes, pictures_.all["a"]);
    EXPECT_FALSE(shown->lasting);
  }
  EXPECT_EQ(sizes_.kept, 1) << "tried once";
  sizes_.full = false;
  clock_.advance(Millis(30'001));
  EXPECT_TRUE(load("a", 320)[0]->lasting);
}

TEST_F(ScaledPicturesTest, OneThatCannotBeDecodedIsShownAsItIsAndHindersNoOther) {
  pictures_.all["bad"] = grey_png(700, 20);
  pictures_.all["bad"][60] ^= 0x55;
  pictures_.all["good"] = grey_png(700, 20);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(load("bad", 320)[0]->lasting);
  EXPECT_TRUE(load("good", 320)[0]->lasting);
}

}  // namespace
}  // namespace market::product
