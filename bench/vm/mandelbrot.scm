; floats in a loop: how long 1080 × 1080 points stay near the origin
(define size 1080)
(define (steps cr ci)
  (let loop ((zr 0.0) (zi 0.0) (n 0))
    (let ((rr (* zr zr)) (ii (* zi zi)))
      (if (or (= n 50) (> (+ rr ii) 4.0))
          n
          (loop (+ (- rr ii) cr) (+ (* 2.0 zr zi) ci) (+ n 1))))))
(define (row y x sum)
  (if (= x size)
      sum
      (row y (+ x 1)
           (+ sum (steps (- (/ (* 2.0 x) size) 1.5) (- (/ (* 2.0 y) size) 1.0))))))
(display (let loop ((y 0) (sum 0))
           (if (= y size) sum (loop (+ y 1) (+ sum (row y 0 0))))))
(newline)
