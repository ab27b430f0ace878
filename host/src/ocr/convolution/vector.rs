//! Vectors of floats in the widths that processors have: the only place with processor instructions.

#![expect(unsafe_code, reason = "processor instructions run only where the processor has them")]

/// `LANES` floats that are added and multiplied at once.
///
/// # Safety
/// The methods of an implementation may only run on processors that have its instructions. They are meant to be
/// inlined into a function compiled for these; elsewhere they are slow calls.
pub(super) unsafe trait Vector<const LANES: usize>: Copy {
    /// The same value in all lanes.
    ///
    /// # Safety
    /// The processor has the instructions.
    unsafe fn splat(value: f32) -> Self;

    /// Reads the lanes.
    ///
    /// # Safety
    /// The processor has the instructions.
    unsafe fn load(values: &[f32; LANES]) -> Self;

    /// `self + value * weight` in each lane.
    ///
    /// # Safety
    /// The processor has the instructions.
    unsafe fn plus_product(self, value: Self, weight: Self) -> Self;

    /// The lanes as an array.
    ///
    /// # Safety
    /// The processor has the instructions.
    unsafe fn lanes(self) -> [f32; LANES];
}

/// Plain arithmetic, for processors of which nothing is known.
#[derive(Clone, Copy)]
pub(super) struct Plain([f32; 4]);

// SAFETY: needs no special instructions.
unsafe impl Vector<4> for Plain {
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 4])
    }

    #[inline(always)]
    unsafe fn load(values: &[f32; 4]) -> Self {
        Self(*values)
    }

    #[inline(always)]
    unsafe fn plus_product(self, value: Self, weight: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] + value.0[lane] * weight.0[lane]))
    }

    #[inline(always)]
    unsafe fn lanes(self) -> [f32; 4] {
        self.0
    }
}

/// `LANES` sums of products of small integers.
///
/// # Safety
/// As for [`Vector`].
pub(super) unsafe trait Sums<const LANES: usize>: Copy {
    /// Zeros.
    ///
    /// # Safety
    /// The processor has the instructions.
    unsafe fn zero() -> Self;

    /// Adds to each lane the products of the four bytes of its value (0 to 127) with the four bytes of `weights`
    /// (signed, −127 to 127).
    ///
    /// # Safety
    /// The processor has the instructions.
    unsafe fn plus_products(self, values: &[u32; LANES], weights: u32) -> Self;

    /// The lanes as an array.
    ///
    /// # Safety
    /// The processor has the instructions.
    unsafe fn lanes(self) -> [i32; LANES];
}

/// Plain arithmetic, for processors of which nothing is known.
#[derive(Clone, Copy)]
pub(super) struct PlainSums([i32; 4]);

// SAFETY: needs no special instructions.
unsafe impl Sums<4> for PlainSums {
    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0; 4])
    }

    #[inline(always)]
    unsafe fn plus_products(self, values: &[u32; 4], weights: u32) -> Self {
        let weights = weights.to_le_bytes().map(|byte| i32::from(byte as i8));
        Self(std::array::from_fn(|lane| {
            let values = values[lane].to_le_bytes();
            self.0[lane]
                + values.iter().zip(weights).map(|(value, weight)| i32::from(*value) * weight).sum::<i32>()
        }))
    }

    #[inline(always)]
    unsafe fn lanes(self) -> [i32; 4] {
        self.0
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx2Sums, Avx512, Avx512Sums, AvxVnniSums};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256, __m256i, __m512, __m512i, _mm256_add_epi32, _mm256_dpbusd_avx_epi32, _mm256_fmadd_ps,
        _mm256_loadu_ps, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_set1_epi16,
        _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_si256, _mm512_dpbusd_epi32, _mm512_fmadd_ps,
        _mm512_loadu_ps, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_si512,
    };

    use super::{Sums, Vector};

    /// AVX2 with FMA.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx2(__m256);

    // SAFETY: the methods use AVX, AVX2 and FMA only, as the name says; `__m256` is eight floats.
    unsafe impl Vector<8> for Avx2 {
        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: the caller has the instructions.
            Self(unsafe { _mm256_set1_ps(value) })
        }

        #[inline(always)]
        unsafe fn load(values: &[f32; 8]) -> Self {
            // SAFETY: the caller has the instructions.
            Self(unsafe { _mm256_loadu_ps(values.as_ptr()) })
        }

        #[inline(always)]
        unsafe fn plus_product(self, value: Self, weight: Self) -> Self {
            // SAFETY: the caller has the instructions.
            Self(unsafe { _mm256_fmadd_ps(value.0, weight.0, self.0) })
        }

        #[inline(always)]
        unsafe fn lanes(self) -> [f32; 8] {
            // SAFETY: the vector is that many floats.
            unsafe { std::mem::transmute(self.0) }
        }
    }

    /// AVX-512 foundation.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx512(__m512);

    // SAFETY: the methods use AVX-512F only, as the name says; `__m512` is sixteen floats.
    unsafe impl Vector<16> for Avx512 {
        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: the caller has the instructions.
            Self(unsafe { _mm512_set1_ps(value) })
        }

        #[inline(always)]
        unsafe fn load(values: &[f32; 16]) -> Self {
            // SAFETY: the caller has the instructions.
            Self(unsafe { _mm512_loadu_ps(values.as_ptr()) })
        }

        #[inline(always)]
        unsafe fn plus_product(self, value: Self, weight: Self) -> Self {
            // SAFETY: the caller has the instructions.
            Self(unsafe { _mm512_fmadd_ps(value.0, weight.0, self.0) })
        }

        #[inline(always)]
        unsafe fn lanes(self) -> [f32; 16] {
            // SAFETY: the vector is that many floats.
            unsafe { std::mem::transmute(self.0) }
        }
    }

    /// Sums by AVX2: two products and two in 16 bits, then all four.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx2Sums(__m256i);

    // SAFETY: the methods use AVX2 only, as the name says; `__m256i` is eight integers.
    unsafe impl Sums<8> for Avx2Sums {
        #[inline(always)]
        unsafe fn zero() -> Self {
            // SAFETY: the caller has the instructions.
            Self(unsafe { _mm256_setzero_si256() })
        }

        #[inline(always)]
        unsafe fn plus_products(self, values: &[u32; 8], weights: u32) -> Self {
            // SAFETY: the caller has the instructions, and `values` is as long as the vector.
            unsafe {
                let values = _mm256_loadu_si256(values.as_ptr().cast());
                let pairs = _mm256_maddubs_epi16(values, _mm256_set1_epi32(weights.cast_signed()));
                Self(_mm256_add_epi32(self.0, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1))))
            }
        }

        #[inline(always)]
        unsafe fn lanes(self) -> [i32; 8] {
            // SAFETY: the vector is that many integers.
            unsafe { std::mem::transmute(self.0) }
        }
    }

    /// Sums by AVX-VNNI.
    #[derive(Clone, Copy)]
    pub(in super::super) struct AvxVnniSums(__m256i);

    // SAFETY: the methods use AVX2 and AVX-VNNI only, as the name says; `__m256i` is eight integers.
    unsafe impl Sums<8> for AvxVnniSums {
        #[inline(always)]
        unsafe fn zero() -> Self {
            // SAFETY: the caller has the instructions.
            Self(unsafe { _mm256_setzero_si256() })
        }

        #[inline(always)]
        unsafe fn plus_products(self, values: &[u32; 8], weights: u32) -> Self {
            // SAFETY: the caller has the instructions, and `values` is as long as the vector.
            unsafe {
                let values = _mm256_loadu_si256(values.as_ptr().cast());
                Self(_mm256_dpbusd_avx_epi32(self.0, values, _mm256_set1_epi32(weights.cast_signed())))
            }
        }

        #[inline(always)]
        unsafe fn lanes(self) -> [i32; 8] {
            // SAFETY: the vector is that many integers.
            unsafe { std::mem::transmute(self.0) }
        }
    }

    /// Sums by AVX-512 with VNNI.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx512Sums(__m512i);

    // SAFETY: the methods use AVX-512F and AVX512-VNNI only; `__m512i` is sixteen integers.
    unsafe impl Sums<16> for Avx512Sums {
        #[inline(always)]
        unsafe fn zero() -> Self {
            // SAFETY: the caller has the instructions.
            Self(unsafe { _mm512_setzero_si512() })
        }

        #[inline(always)]
        unsafe fn plus_products(self, values: &[u32; 16], weights: u32) -> Self {
            // SAFETY: the caller has the instructions, and `values` is as long as the vector.
            unsafe {
                let values = _mm512_loadu_si512(values.as_ptr().cast());
                Self(_mm512_dpbusd_epi32(self.0, values, _mm512_set1_epi32(weights.cast_signed())))
            }
        }

        #[inline(always)]
        unsafe fn lanes(self) -> [i32; 16] {
            // SAFETY: the vector is that many integers.
            unsafe { std::mem::transmute(self.0) }
        }
    }
}
