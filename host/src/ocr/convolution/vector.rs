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

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256, __m512, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm512_fmadd_ps, _mm512_loadu_ps,
        _mm512_set1_ps,
    };

    use super::Vector;

    /// AVX2 with FMA.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx2(__m256);

    // SAFETY: the methods use AVX, AVX2 and FMA only, as the name says; `__m256` is eight floats.
    unsafe impl Vector<8> for Avx2 {
        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            Self(unsafe { _mm256_set1_ps(value) })
        }

        #[inline(always)]
        unsafe fn load(values: &[f32; 8]) -> Self {
            Self(unsafe { _mm256_loadu_ps(values.as_ptr()) })
        }

        #[inline(always)]
        unsafe fn plus_product(self, value: Self, weight: Self) -> Self {
            Self(unsafe { _mm256_fmadd_ps(value.0, weight.0, self.0) })
        }

        #[inline(always)]
        unsafe fn lanes(self) -> [f32; 8] {
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
            Self(unsafe { _mm512_set1_ps(value) })
        }

        #[inline(always)]
        unsafe fn load(values: &[f32; 16]) -> Self {
            Self(unsafe { _mm512_loadu_ps(values.as_ptr()) })
        }

        #[inline(always)]
        unsafe fn plus_product(self, value: Self, weight: Self) -> Self {
            Self(unsafe { _mm512_fmadd_ps(value.0, weight.0, self.0) })
        }

        #[inline(always)]
        unsafe fn lanes(self) -> [f32; 16] {
            unsafe { std::mem::transmute(self.0) }
        }
    }
}
